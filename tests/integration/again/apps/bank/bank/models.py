from __future__ import annotations

from django.db import models


class Account(models.Model):
    """What somebody has."""

    owner = models.CharField(max_length=80)
    balance = models.IntegerField(default=100)

    def __str__(self) -> str:
        return self.owner


class Order(models.Model):
    """What somebody is to pay."""

    account = models.ForeignKey(Account, models.CASCADE)
    amount = models.IntegerField(default=10)
    state = models.CharField(max_length=8, default="new")

    def __str__(self) -> str:
        return f"{self.amount} of {self.account}"


class Receipt(models.Model):
    """What somebody has paid."""

    order = models.OneToOneField(Order, models.CASCADE)
    written = models.DateTimeField()

    def __str__(self) -> str:
        return f"receipt of {self.order}"
