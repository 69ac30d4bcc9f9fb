"""The command line: start everything, and look after it."""

from app.cli.localised import use_catalogue

# Before any command is made: the decorators of commands ask click for its words.
use_catalogue()
