"""What can be wrong with a setting, in English and Chinese; the name of the setting comes first."""

from collections.abc import Mapping

from msgspec import inspect

from events.words import Phrases, in_words

MESSAGES: Phrases = {
    "missing": (
        "must be set (`comfyd up` sets it itself)",
        "必须设置（`comfyd up` 会自行设置）",
    ),
    "unknown": ("no such setting. Known: {known}", "没有这个设置。可用的设置：{known}"),
    "not_bool": ("must be true or false", "必须是 true 或 false"),
    "not_int": ("must be a whole number{bounds}", "必须是整数{bounds}"),
    "not_float": ("must be a number{bounds}", "必须是数字{bounds}"),
    "not_one_of": ("must be one of {options}", "必须是以下之一：{options}"),
    "short_secret": ("must have at least 32 characters", "至少需要 32 个字符"),
    "placeholder": (
        "a placeholder is no secret; make one",
        "占位符不是密钥；请生成一个真正的密钥",
    ),
    "no_network": (
        "'{value}' is no address and no network, such as 10.0.0.7 or 10.0.0.0/8",
        "“{value}”不是地址或网段（例如 10.0.0.7 或 10.0.0.0/8）",
    ),
    "no_seal_key": ("needs at least one key", "至少需要一个密钥"),
    "bad_seal_key": (
        "key {place} is not 32 bytes in URL-safe base64 (44 characters)",
        "第 {place} 个密钥不是 URL 安全 base64 编码的 32 字节（44 个字符）",
    ),
    "provider_incomplete": (
        (
            "must be set too, or none of {all};"
            " with AUTH_AUDIENCE=* its tokens count for whomever they are"
        ),
        "也必须设置，或者 {all} 都不设置；AUTH_AUDIENCE=* 表示接受发给任何受众的令牌",
    ),
    "unsafe_keys": (
        "must begin with https:// (http only on this machine)",
        "必须以 https:// 开头（仅本机可用 http）",
    ),
    "no_scheme": (
        "must begin with http:// or https://: write {right}",
        "必须以 http:// 或 https:// 开头：请写成 {right}",
    ),
    "no_address": (
        "is no address such as https://storage.example.com",
        "不是有效的地址（例如 https://storage.example.com）",
    ),
    "address_with_secret": (
        "must hold no user and no password; they belong into SPACES_KEY and SPACES_SECRET",
        "不得包含用户名和密码；请使用 SPACES_KEY 和 SPACES_SECRET",
    ),
    "address_with_query": (
        "must end before '?' and '#': write {right}",
        "不得包含“?”或“#”及其后的内容：请写成 {right}",
    ),
    "address_with_bucket": (
        "must not name the bucket, which SPACES_BUCKET does: write {right}",
        "不得包含存储桶，它由 SPACES_BUCKET 指定：请写成 {right}",
    ),
    "public_address": (
        "is where people fetch files (SPACES_ENDPOINT_CDN); the S3 API is at {right}",
        "这是公开读取文件的地址（SPACES_ENDPOINT_CDN）；S3 API 的地址是 {right}",
    ),
    "bucket_included": (
        "must be true: {host} already stands for the bucket",
        "必须为 true：{host} 已经代表存储桶",
    ),
    "bucket_in_host": (
        "must be false: the host of SPACES_ENDPOINT_CDN already names the bucket",
        "必须为 false：SPACES_ENDPOINT_CDN 的主机名已包含存储桶",
    ),
    "no_bucket_name": (
        "must be the name alone, without '/' and spaces",
        "只能是存储桶的名称，不得包含“/”和空格",
    ),
}


class SettingsInvalid(Exception):
    """A setting is missing or wrong; `text` names it and says what it must be."""

    def __init__(self, name: str, code: str, /, **params: str) -> None:
        self.name = name
        self.code = code
        self.params: Mapping[str, str] = params
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Say it in *language*: en or zh."""
        colon = "：" if language == "zh" else ": "
        return self.name + colon + in_words(MESSAGES[self.code], language, self.params)


def must_be(wanted: type) -> tuple[str, dict[str, str]]:
    """Return what a setting of this type must be: the code of a message, and what it takes."""
    match kind := inspect.type_info(wanted):
        case inspect.BoolType():
            return "not_bool", {}
        case inspect.LiteralType():
            return "not_one_of", {"options": ", ".join(sorted(map(str, kind.values)))}
        case inspect.IntType() | inspect.FloatType():
            limits = ((" ≥ ", kind.ge), (" > ", kind.gt), (" ≤ ", kind.le), (" < ", kind.lt))
            bounds = ",".join(f"{sign}{limit:g}" for sign, limit in limits if limit is not None)
            code = "not_int" if isinstance(kind, inspect.IntType) else "not_float"
            return code, {"bounds": bounds}
        case _:
            raise AssertionError(wanted)  # what is text is never refused
