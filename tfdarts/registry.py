"""Parts by name: those of tfdarts, of installed plugins and of the user."""

import collections.abc
import importlib.metadata

PLUGINS = "tfdarts.plugins"
"""The group of entry points that name the modules of plugins."""

_plugins_are_loaded = False


class PluginError(ValueError):
    """Raised if a plugin cannot be imported."""


class Registry(collections.abc.MutableMapping):
    """Parts by name, in the order in which they were registered.

    The first use of any registry imports all plugins, which register parts.

    Args:
        kind: String, the noun for a part, such as `"strategy"`.
        kinds: String, its plural.
        parts: Dict of the parts of tfdarts by name.
    """

    def __init__(self, kind, kinds, parts):
        self._kind = kind
        self._kinds = kinds
        self._parts = dict(parts)

    def __getitem__(self, name):
        load_plugins()
        return self._parts[name]

    def __setitem__(self, name, part):
        load_plugins()
        self._parts[name] = part

    def __delitem__(self, name):
        del self._parts[name]

    def __iter__(self):
        load_plugins()
        return iter(self._parts)

    def __len__(self):
        load_plugins()
        return len(self._parts)

    def find(self, name):
        """Returns the part with this name.

        Raises:
            ValueError: If no part has this name.
        """
        if name not in self:
            raise ValueError(
                f"There is no {self._kind} {name!r}. The {self._kinds} are: "
                f"{', '.join(self)}. Register another {self._kind} with "
                f"tfdarts.register_{self._kind}, or install its plugin."
            )
        return self[name]


def load_plugins():
    """Imports the plugins of all installed packages, once.

    Raises:
        PluginError: If a plugin cannot be imported.
    """
    global _plugins_are_loaded
    if _plugins_are_loaded:
        return
    _plugins_are_loaded = True  # A plugin uses registries while it is loaded.
    for plugin in importlib.metadata.entry_points(group=PLUGINS):
        try:
            plugin.load()
        except (Exception, SystemExit) as error:
            _plugins_are_loaded = False
            raise PluginError(
                f"The plugin {plugin.name} of the package {plugin.dist.name} "
                f"cannot be imported, {type(error).__name__}: {error}. Repair "
                f"or uninstall the package."
            ) from error
