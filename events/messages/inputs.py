"""What may be wrong with the inputs of a run."""

from events.messages.texts import Texts

INPUTS: Texts = {
    # inputs of a run
    "input_unknown": "this workflow has no input '{name}'; it has: {known}",
    "input_required": "input '{name}' is required",
    "input_not_text": "input '{name}' must be a string",
    "input_too_long": "input '{name}' is too long: at most {limit} characters",
    "input_not_number": "input '{name}' must be a finite number",
    "input_not_integer": "input '{name}' must be a whole number",
    "input_out_of_range": "input '{name}' must be between {minimum} and {maximum}",
    "input_not_boolean": "input '{name}' must be true or false",
    "input_not_file_name": (
        "input '{name}' must be the name of a file that is installed on the machine"
    ),
    "input_model_url": (
        "input '{name}' is a URL, and the machine '{machine}' cannot download models: install "
        "{plugin} there, or send the name of a file that is installed on it"
    ),
    "input_not_an_option": "input '{name}' must be one of: {options}",
    "input_not_file": (
        "input '{name}' must be an http(s) URL, or the name of a file on the machine"
    ),
    "input_not_images": "input '{name}' must be a list of images, or the JSON text of one",
    "input_too_many_images": "input '{name}' takes at most {limit} images",
    "input_not_image": (
        "input '{name}' must be an image: an http(s) URL or data:image/...;base64,..."
    ),
    "input_bad_base64": (
        "input '{name}' is a data URI, but what follows the comma is not valid base64"
    ),
    "upload_missing": (
        "input '{name}' is the address of an upload, and no image of at most {limit} bytes is "
        "stored there: store it first (PUT to the signed address)"
    ),
    "output_missing": (
        "input '{name}' is the address of an output, and no image of at most {limit} bytes is "
        "there: its run was erased, or the address was changed"
    ),
    "input_default_not_url": "the default image of input '{name}' must be an http(s) URL",
    # what callers notice when another version takes the place of theirs
    "input_removed": "input '{name}' was removed: runs that still send it are refused",
    "input_retyped": "input '{name}' was {before} and is now {after}",
    "input_newly_required": "input '{name}' is now required: it has no default",
    "input_narrowed": "input '{name}' accepted {before} and now accepts only {after}",
    # images that come with a run
    "not_an_image": "input '{name}' is not a readable image; send PNG, JPEG, WebP or GIF",
    "image_type_not_supported": (
        "input '{name}' is an image of an unsupported type; send PNG, JPEG, WebP or GIF"
    ),
    "image_too_large_bytes": "input '{name}' has {bytes} bytes; an image may have at most {limit}",
    "image_too_many_pixels": (
        "input '{name}' has too many pixels {pixels}; all frames together may have at most {limit}"
    ),
    "image_too_slow": "the image of input '{name}' takes longer than {limit} s to decode",
    "image_truncated": "input '{name}' is a truncated or damaged image",
    # URLs that come with a run
    "url_scheme": "input '{name}' must be a URL that begins with http:// or https://",
    "url_invalid": "input '{name}' is not a valid URL, or contains a user name or password",
    "url_private_address": "input '{name}' points to {host}, which is not a public address",
    "url_too_large": "input '{name}': the file is larger than {limit} bytes",
    "url_timeout": "input '{name}': {host} took too long",
    "url_status": "input '{name}': the server answered with status {status}",
    "url_unreachable": "input '{name}': {host} cannot be reached",
    "url_redirects": "input '{name}': too many redirects, or one to an address that is not allowed",
    "url_encoded": "input '{name}': the server sent a compressed body",
}
