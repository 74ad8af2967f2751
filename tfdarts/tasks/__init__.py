"""What depends on the kind of data: one object a task, and its parts."""
