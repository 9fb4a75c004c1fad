"""The column of an amount in yuan."""

from typing import Any

from django.db import models


def money(**kwargs: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=15, decimal_places=2, **kwargs)
