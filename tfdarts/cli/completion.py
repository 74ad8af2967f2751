"""Completion of commands, flags and their values in a shell."""

import shlex

from tfdarts.cli.help import COMMON_FLAGS
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.tasks.task_registry import tasks

SHELLS = ("bash", "zsh")

_SCRIPT = """\
_tfdarts() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" command="${{COMP_WORDS[0]##*/}}"
  # A shell that splits words at = gives a flag and its value separately.
  if [[ "$current" == "=" ]]; then
    current="${{COMP_WORDS[COMP_CWORD-1]}}="
  elif [[ "${{COMP_WORDS[COMP_CWORD-1]}}" == "=" ]]; then
    current="${{COMP_WORDS[COMP_CWORD-2]}}=$current"
  fi
  if [[ "$command" == tfdarts ]]; then
    if (( COMP_CWORD == 1 )); then
      COMPREPLY=($(compgen -W {subcommands} -- "$current"))
      return
    fi
    command="tfdarts-${{COMP_WORDS[1]}}"
  fi
  local flags values
  case "$command" in
{flags}
  esac
  if [[ "$current" == --*=* ]]; then
    case "$command ${{current%%=*}}" in
{values}
    esac
    if [[ -n "$values" ]]; then
      COMPREPLY=($(compgen -W "$values" -- "${{current#*=}}"))
    else
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "${{current#*=}}"))
    fi
    return
  fi
  compopt -o nospace 2>/dev/null
  COMPREPLY=($(compgen -W "$flags" -- "$current"))
}}
complete -F _tfdarts tfdarts {commands}"""


def completion(shell, commands):
    """Returns the script that teaches a shell to complete the commands.

    Flags are those of all kinds of data, with the default strategy.

    Args:
        shell: String, one of `SHELLS`.
        commands: Dict from subcommands to `Command`.
    """
    flags, values = [], []
    for command in commands.values():
        fields = _fields_of(command)
        names = [
            f"--{name}" if field.type is bool else f"--{name}="
            for name, field in fields.items()
        ]
        names += ["--flagfile=", *map("--{}".format, COMMON_FLAGS)]
        shown = shlex.quote(" ".join(names))
        flags.append(f"    {command.name}) flags={shown};;")
        for name, field in fields.items():
            if choices := _choices_of(name, field):
                shown = shlex.quote(" ".join(choices))
                pattern = f'"{command.name} --{name}"'
                values.append(f"      {pattern}) values={shown};;")
    script = _SCRIPT.format(
        subcommands=shlex.quote(" ".join([*commands, "completion"])),
        flags="\n".join(flags),
        values="\n".join(values),
        commands=" ".join(command.name for command in commands.values()),
    )
    if shell == "zsh":
        return f"autoload -Uz bashcompinit && bashcompinit\n{script}"
    return script


def _fields_of(command):
    """Returns the fields of the flags of a command for all kinds of data."""
    fields = {}
    for task in command.known_tasks():
        for field in command.fields_of(task):
            fields.setdefault(field.name, field)
    return fields


def _choices_of(name, field):
    if name == "strategy":
        return [strategy.name for strategy in strategies()]
    if name == "dataset":
        return [each for task in tasks() for each in task.data_sets]
    return [*map(str, field.metadata["choices"] or ())]
