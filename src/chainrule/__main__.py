"""So that ``python -m chainrule`` is the command ``chainrule``."""

from chainrule.command_line.start_up import main

if __name__ == "__main__":
    main()
