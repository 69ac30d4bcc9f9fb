"""What may be wrong with the inputs of a run."""

from events.words import Phrases

INPUTS: Phrases = {
    # inputs of a run
    "input_unknown": (
        "this workflow has no input '{name}'; it has: {known}",
        "该工作流没有名为“{name}”的输入；可用的输入：{known}",
    ),
    "input_required": (
        "input '{name}' is required",
        "缺少必填的输入“{name}”",
    ),
    "input_not_text": (
        "input '{name}' must be a text",
        "输入“{name}”必须是文本",
    ),
    "input_too_long": (
        "input '{name}' is too long: at most {limit} characters",
        "输入“{name}”过长：最多 {limit} 个字符",
    ),
    "input_not_number": (
        "input '{name}' must be a finite number",
        "输入“{name}”必须是有限的数字",
    ),
    "input_not_integer": (
        "input '{name}' must be a whole number",
        "输入“{name}”必须是整数",
    ),
    "input_out_of_range": (
        "input '{name}' must be between {minimum} and {maximum}",
        "输入“{name}”必须在 {minimum} 到 {maximum} 之间",
    ),
    "input_not_boolean": (
        "input '{name}' must be true or false",
        "输入“{name}”必须是 true 或 false",
    ),
    "input_not_file_name": (
        "input '{name}' must be the name of a file that is installed on the machine",
        "输入“{name}”必须是机器上已安装的文件名",
    ),
    "input_model_url": (
        (
            "input '{name}' is a URL, but a machine does not download models; "
            "give the name of a file that is installed on it"
        ),
        "输入“{name}”是网址，但机器不会下载模型；请填写机器上已安装的文件名",
    ),
    "input_not_image": (
        "input '{name}' must be an image: an http(s) URL or data:image/...;base64,...",
        "输入“{name}”必须是图片：http(s) 网址，或 data:image/...;base64,... 数据",
    ),
    "input_bad_base64": (
        "input '{name}' is a data URI, but what follows the comma is not valid base64",
        "输入“{name}”是 data URI，但逗号后的内容不是有效的 base64",
    ),
    "input_default_not_url": (
        "the default image of input '{name}' must be an http(s) URL",
        "输入“{name}”的默认图片必须是 http(s) 网址",
    ),
    # what callers notice when another version takes the place of theirs
    "input_removed": (
        "input '{name}' is gone: a run that still sends it is refused",
        "输入“{name}”已被移除：仍然发送它的运行会被拒绝",
    ),
    "input_retyped": (
        "input '{name}' was {before} and is now {after}",
        "输入“{name}”的类型由 {before} 变为 {after}",
    ),
    "input_newly_required": (
        "input '{name}' must now be sent: there is no default",
        "输入“{name}”现在为必填：它没有默认值",
    ),
    "input_narrowed": (
        "input '{name}' took {before} and now takes {after} only",
        "输入“{name}”的取值范围由 {before} 缩小为 {after}",
    ),
    # images that come with a run
    "not_an_image": (
        "input '{name}' is no image that we can read; send PNG, JPEG, WebP or GIF",
        "输入“{name}”不是可读取的图片；请使用 PNG、JPEG、WebP 或 GIF",
    ),
    "image_type_not_supported": (
        "input '{name}' is an image of a type we do not take; send PNG, JPEG, WebP or GIF",
        "输入“{name}”的图片类型不受支持；请使用 PNG、JPEG、WebP 或 GIF",
    ),
    "image_too_large_bytes": (
        "input '{name}' has {bytes} bytes; an image may have {limit}",
        "输入“{name}”的大小为 {bytes} 字节；图片最大为 {limit} 字节",
    ),
    "image_too_many_pixels": (
        "input '{name}' has too many pixels {pixels}; all frames together may have {limit}",
        "输入“{name}”的像素过多 {pixels}；所有帧合计最多 {limit} 像素",
    ),
    "image_too_slow": (
        "the image of input '{name}' takes longer than {limit} s to decode",
        "解码输入“{name}”的图像用时超过 {limit} 秒",
    ),
    "image_truncated": (
        "input '{name}' is an image that breaks off or is damaged",
        "输入“{name}”的图片不完整或已损坏",
    ),
    # URLs that come with a run
    "url_scheme": (
        "input '{name}' must be a URL that begins with http:// or https://",
        "输入“{name}”的网址必须以 http:// 或 https:// 开头",
    ),
    "url_invalid": (
        "input '{name}' is no valid URL, or has a user name or password in it",
        "输入“{name}”不是有效的网址，或网址中带有用户名、密码",
    ),
    "url_private_address": (
        "input '{name}' points to {host}, which is not a public address",
        "输入“{name}”指向 {host}，该地址不是公网地址",
    ),
    "url_too_large": (
        "input '{name}': the file is larger than {limit} bytes",
        "输入“{name}”：文件超过 {limit} 字节",
    ),
    "url_timeout": (
        "input '{name}': {host} took too long",
        "输入“{name}”：{host} 响应超时",
    ),
    "url_status": (
        "input '{name}': the server answered with status {status}",
        "输入“{name}”：服务器返回状态码 {status}",
    ),
    "url_unreachable": (
        "input '{name}': {host} cannot be reached",
        "输入“{name}”：无法连接 {host}",
    ),
    "url_redirects": (
        "input '{name}': too many redirects, or one to an address that is not allowed",
        "输入“{name}”：重定向过多，或重定向到了不允许的地址",
    ),
    "url_encoded": (
        "input '{name}': the server sent a compressed body",
        "输入“{name}”：服务器发送了压缩的内容",
    ),
}
