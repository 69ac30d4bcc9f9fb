"""What the command line says to people, in English and Chinese."""

import os

from app.cli.help_words import HELP
from app.cli.remote_words import HEADINGS, SAID
from events.texts import Texts, language_of_locale
from infra.translation import translate, translate_term

WORDS: Texts = {
    **SAID,
    **HELP,
    "starting": "starting {name}",
    "ready": "comfyd is ready at {url}",
    "found": "found the data of earlier runs: {count}",
    "deployed": "deployed the sample '{name}' version {version} to production: deployment {id}",
    "submitted": "submitted run {run_id}",
    "image": "image: {url}",
    "analyst_elsewhere": (
        "no NATS of `comfyd up` in {folder}: set COMFYD_DATA to its data folder; a NATS of "
        "your own gets its analyst by `comfyd analyst --config`"
    ),
    "failed": "the run ended as {status}: {reason}",
    "ended": "the run ended as {status}",
    "sample_failed": "the sample could not be run: {reason}",
    "comfyui": "ComfyUI {version} at {url}; checkpoints: {count}",
    "comfyui_away": (
        "COMFYUI_URL: no answer from {url} ({reason}): start ComfyUI there (for other computers "
        "with --listen), then start comfyd again; or leave COMFYUI_URL out"
    ),
    "comfyui_no_scheme": "COMFYUI_URL: '{url}' must begin with http:// or https://: write {right}",
    "comfyui_no_address": "COMFYUI_URL: '{url}' is not an address such as http://192.168.1.20:8188",
    "comfyui_other": (
        "COMFYUI_URL: what answers at {url} is not ComfyUI ({found}); its port is usually 8188"
    ),
    "comfyui_login": (
        "COMFYUI_URL: {url} requires a login ({found}): leave COMFYUI_URL out, and register it "
        "with `comfyd machine add NAME {url} --token TOKEN`"
    ),
    "comfyui_no_tls": (
        "COMFYUI_URL: TLS with {url} failed ({reason}): begin with http:// if it does not use TLS; "
        "if its certificate is self-signed, name the file of its authority in SSL_CERT_FILE"
    ),
    "no_answer": "no answer within {seconds:g} s",
    "no_connection": "no connection",
    "no_http": "no HTTP",
    "takes_checkpoint": "it has a checkpoint, so the sample is '{name}', with {checkpoint}",
    "few_steps": "it has no GPU, so the sample takes only {steps} steps",
    "next_checkpoint": "'{name}' with the next checkpoint, {checkpoint}",
    "takes_no_checkpoint": (
        "no checkpoint that was tried loads, so the sample is '{name}', which needs none"
    ),
    "no_checkpoint": "it has no checkpoint, so the sample is '{name}', which needs none",
    "try": "try it yourself, in a second terminal:",
    "try_docs": "every route, to try in a browser: {url}/docs",
    "try_token": "Authorize there with the token that this prints: {line}",
    "stop_hint": "Ctrl-C stops everything; the data stays in {folder}",
    "stopping": "stopping",
    "stopped": "stopped; the data is in {folder}",
    "fault": (
        "{name} cannot do its work: {reason}\n"
        "Make room on the disk of {folder}: then it is started again, and goes on. Until then "
        "new runs are refused; those that were accepted wait."
    ),
    "restarted": "{name} ended ({code}) and was started again",
    "rebuilding": "the tables are of an earlier version: rebuilding them from the log",
    "tables_outdated": "the tables of an earlier version could not be rebuilt",
    "bad_port": "COMFYD_PORT: '{port}' is not a port; it must be a number from 1 to 65535",
    "no_secret": "there is no data in {folder} yet: run `make up` first, or set JWT_SECRET",
    "api_silent": "the API was not ready within {seconds} s; its log is {log}",
}


def language() -> str:
    """Choose the language by the locale variables."""
    return language_of_locale(os.environ)


def word(key: str, /, **params: object) -> str:
    """Say it."""
    return translate(WORDS[key], language(), params)


def heading(name: str) -> str:
    """Say the heading of a column or the name of a field."""
    return translate_term(name, language()) if name in HEADINGS else name
