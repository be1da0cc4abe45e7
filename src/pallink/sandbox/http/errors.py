"""Errors in the format of Azure's APIs: `{"error": {"code": …, "message": …}}`."""

from collections.abc import Mapping

from pallink.sandbox.http.messages import Response, json_response


class ApiError(Exception):
    """An error of Resource Manager, or of the server itself.

    Attributes:
        status: The HTTP status.
        code: The code that programs act on: `AuthorizationFailed`.
        headers: Headers of the response.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the error as a response."""
        return json_response(self.status, {"error": {"code": self.code, "message": str(self)}}, self.headers)
