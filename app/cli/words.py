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
    "analyst_elsewhere": (
        (
            "no NATS of `comfyd up` in {folder}: set COMFYD_DATA to its data folder; a NATS of "
            "your own gets its analyst by `comfyd analyst --config`"
        ),
        (
            "{folder} 里没有 `comfyd up` 的 NATS：请用 COMFYD_DATA 指定它的数据文件夹；"
            "自己的 NATS 用 `comfyd analyst --config` 添加 analyst 用户"
        ),
    ),
    "failed": ("the run ended as {status}: {reason}", "运行以 {status} 结束：{reason}"),
    "ended": ("the run ended as {status}", "运行以 {status} 结束"),
    "sample_failed": (
        "the sample could not be run: {reason}",
        "示例未能运行：{reason}",
    ),
    "comfyui": (
        "ComfyUI {version} at {url}; checkpoints: {count}",
        "ComfyUI {version}，地址 {url}；模型（checkpoint）数量：{count}",
    ),
    "comfyui_away": (
        (
            "COMFYUI_URL: nobody answers at {url} ({reason}): start ComfyUI there (for other "
            "computers with --listen), then start comfyd again; or leave COMFYUI_URL out"
        ),
        (
            "COMFYUI_URL：{url} 没有应答（{reason}）：请先在那里启动 ComfyUI"
            "（供其他计算机访问须加 --listen），再重新启动 comfyd；或不设置 COMFYUI_URL"
        ),
    ),
    "comfyui_no_scheme": (
        "COMFYUI_URL: '{url}' must begin with http:// or https://: write {right}",
        "COMFYUI_URL：“{url}”必须以 http:// 或 https:// 开头：请写成 {right}",
    ),
    "comfyui_no_address": (
        "COMFYUI_URL: '{url}' is no address such as http://192.168.1.20:8188",
        "COMFYUI_URL：“{url}”不是有效的地址（例如 http://192.168.1.20:8188）",
    ),
    "comfyui_other": (
        "COMFYUI_URL: what answers at {url} is no ComfyUI ({found}); its port is mostly 8188",
        "COMFYUI_URL：{url} 的应答者不是 ComfyUI（{found}）；它的端口通常是 8188",
    ),
    "comfyui_login": (
        (
            "COMFYUI_URL: {url} wants a login ({found}): leave COMFYUI_URL out, and register it "
            "with `comfyd machine add NAME {url} --token TOKEN`"
        ),
        (
            "COMFYUI_URL：{url} 要求登录（{found}）：请不设置 COMFYUI_URL，"
            "改用 `comfyd machine add NAME {url} --token TOKEN` 登记"
        ),
    ),
    "comfyui_no_tls": (
        (
            "COMFYUI_URL: TLS with {url} failed ({reason}): begin with http:// if it speaks no "
            "TLS; if its certificate is your own, name the file of its authority in SSL_CERT_FILE"
        ),
        (
            "COMFYUI_URL：与 {url} 的 TLS 连接失败（{reason}）：如果它不使用 TLS，"
            "请以 http:// 开头；如果证书是自签的，请用 SSL_CERT_FILE 指定其颁发机构的证书文件"
        ),
    ),
    "no_answer": ("silent for {seconds:g} s", "{seconds:g} 秒内没有应答"),
    "no_connection": ("no connection", "无法连接"),
    "no_http": ("no HTTP", "不是 HTTP"),
    "takes_checkpoint": (
        "it has a checkpoint, so the sample is '{name}', with {checkpoint}",
        "它有模型（checkpoint），所以示例是“{name}”，使用 {checkpoint}",
    ),
    "few_steps": (
        "it has no GPU, so the sample takes only {steps} steps",
        "它没有 GPU，所以示例只用 {steps} 步",
    ),
    "next_checkpoint": (
        "'{name}' with the next checkpoint, {checkpoint}",
        "“{name}”改用下一个模型 {checkpoint}",
    ),
    "takes_no_checkpoint": (
        "no checkpoint that was tried does it, so the sample is '{name}', which needs none",
        "试过的模型都不行，所以示例是“{name}”，它不需要模型",
    ),
    "no_checkpoint": (
        "it has no checkpoint, so the sample is '{name}', which needs none",
        "它没有模型（checkpoint），所以示例是“{name}”，它不需要模型",
    ),
    "try": (
        "try it yourself, in a second terminal:",
        "请在第二个终端中自己试试：",
    ),
    "try_docs": (
        "every route, to try in a browser: {url}/docs",
        "在浏览器中试用全部路由：{url}/docs",
    ),
    "try_token": (
        "Authorize there with the token that this prints: {line}",
        "请在该页面点击 Authorize，填入此命令输出的令牌：{line}",
    ),
    "stop_hint": (
        "Ctrl-C stops everything; the data stays in {folder}",
        "按 Ctrl-C 停止所有服务；数据保留在 {folder}",
    ),
    "stopping": ("stopping", "正在停止"),
    "stopped": ("stopped; the data is in {folder}", "已停止；数据在 {folder}"),
    "fault": (
        (
            "{name} cannot do its work: {reason}\n"
            "Make room on the disk of {folder}: then it is started again, and goes on. Until then "
            "new runs are refused; those that were accepted wait."
        ),
        (
            "{name} 无法工作：{reason}\n"
            "请在 {folder} 所在的磁盘上腾出空间：之后它会自动重新启动并继续工作。"
            "在此之前，新的运行会被拒绝；已接受的运行会等待。"
        ),
    ),
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
