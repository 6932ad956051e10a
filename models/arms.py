"""Who is held out: a keyed hash of the customer, so that nobody can choose and every journey of one customer agrees."""

import hashlib
import hmac

from models.vocabulary import Arm

_RANGE = 2**64


def arm_of(customer: str, policy: str, holdout: float, secret: str) -> Arm:
    """Return the arm of a customer under a policy with that share (0 to 1) of holdout; it never changes."""
    digest = hmac.new(secret.encode(), f"holdout\n{policy}\n{customer}".encode(), hashlib.sha256).digest()
    drawn = int.from_bytes(digest[:8], "big") / _RANGE
    return Arm.HOLDOUT if drawn < holdout else Arm.TREATMENT
