"""The root of the errors of jobs and endpoint: their container has no glue."""


class JobError(Exception):
    """A job or the endpoint cannot go on; the message has the reason."""
