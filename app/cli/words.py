"""What the command line says to people, in English and Chinese."""

import os

from app.cli.help_words import HELP
from app.cli.remote_words import HEADINGS, SAID
from events.words import Phrases, in_words, language_of_locale

WORDS: Phrases = {
    **SAID,
    **HELP,
    "starting": ("starting {name}", "正在启动 {name}"),
    "ready": ("comfyd is ready at {url}", "comfyd 已就绪：{url}"),
    "found": (
        "found the data of earlier runs: {count}",
        "已找到之前的数据：{count} 个运行",
    ),
    "deployed": (
        "deployed the sample '{name}' version {version} to production: deployment {id}",
        "示例“{name}”第 {version} 版已部署到 production：部署 {id}",
    ),
    "submitted": ("submitted run {run_id}", "已提交运行 {run_id}"),
    "image": ("image: {url}", "图片：{url}"),
    "failed": ("the run ended as {status}: {reason}", "运行以 {status} 结束：{reason}"),
    "sample_failed": (
        "the sample could not be run: {reason}",
        "示例未能运行：{reason}",
    ),
    "try": (
        "try it yourself, in a second terminal:",
        "请在第二个终端中自己试试：",
    ),
    "try_docs": (
        "every route, to try in a browser: {url}/docs",
        "在浏览器中试用全部路由：{url}/docs",
    ),
    "stop_hint": (
        "Ctrl-C stops everything; the data stays in {folder}",
        "按 Ctrl-C 停止所有服务；数据保留在 {folder}",
    ),
    "stopping": ("stopping", "正在停止"),
    "stopped": ("stopped; the data is in {folder}", "已停止；数据在 {folder}"),
    "restarted": (
        "{name} ended ({code}) and was started again",
        "{name} 已退出（{code}），已重新启动",
    ),
    "rebuilding": (
        "the tables are of an earlier version: making them anew from the log",
        "数据表属于旧版本：正在根据日志重新生成",
    ),
    "tables_outdated": (
        "the tables of an earlier version could not be rebuilt",
        "未能重建旧版本的数据表",
    ),
    "bad_port": (
        "COMFYD_PORT: '{port}' is no port; it must be a number from 1 to 65535",
        "COMFYD_PORT：“{port}”不是有效端口；必须是 1 到 65535 之间的数字",
    ),
    "no_secret": (
        "there is no data in {folder} yet: run `make up` first, or set JWT_SECRET",
        "{folder} 中还没有数据：请先运行 `make up`，或设置 JWT_SECRET",
    ),
    "api_silent": (
        "the API was not ready within {seconds} s; its log is {log}",
        "API 未能在 {seconds} 秒内就绪；日志见 {log}",
    ),
}


def language() -> str:
    """Choose the language by the locale variables."""
    return language_of_locale(os.environ)


def word(key: str, /, **params: object) -> str:
    """Say it."""
    return in_words(WORDS[key], language(), params)


def heading(name: str) -> str:
    """Say the heading of a column or the name of a field."""
    return HEADINGS.get(name, name) if language() == "zh" else name
