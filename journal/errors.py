"""The base of every refusal an action can give: a sentence for the person, a code for the client."""


class ActionRefused(Exception):
    """An action was asked for that the rules do not allow; nothing was changed.

    `message` is a translated sentence, `field` the input at fault (empty when none), `code` a stable
    word for API clients, `conflict` true when somebody or something else got there first.
    """

    code = "refused"
    conflict = False

    def __init__(self, message: str, *, field: str = "", code: str = "", conflict: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code or type(self).code
        self.conflict = type(self).conflict if conflict is None else conflict
