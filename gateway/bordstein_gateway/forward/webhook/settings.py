"""[forward.…] with kind = "webhook"."""

from ...config.types import HttpForward, Secret, Uri, origin


class Webhook(HttpForward, kw_only=True, tag_field="kind", tag="webhook"):
    """CloudEvents 1.0. `url_file`: the file with the address, in place of `url` where a part of it is secret.

    `secret_file`: the key of the HMAC signature. `source`: the events' source, a URI.
    """

    url_file: Secret | None = None
    secret_file: Secret | None = None
    source: Uri | None = None

    @property
    def shown(self) -> str:
        """Only the host: of a webhook's address the path is often what makes it secret."""
        return origin(self.url)
