"""Parameters of the simulators and of the errors, checked before any work."""

from numbers import Integral, Real


def check_n_rows(name, value):
    """Raise unless ``value`` is a whole number of rows, 0 included."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or value < 0:
        raise ValueError(
            f"`{name}` expected a whole number of rows, 0 or more, got {value!r}. Give "
            "such a number."
        )


def check_rate(value):
    """Raise unless ``value`` is a share from 0 to 1."""
    if not isinstance(value, Real) or not 0 <= value <= 1:
        raise ValueError(
            f"`rate` expected a share from 0 to 1, got {value!r}. Give such a share."
        )


def check_shares(value, n_shares):
    """Raise unless ``value`` holds so many shares of one whole."""
    shares = value if isinstance(value, tuple | list) else ()
    is_share = all(isinstance(share, Real) and share >= 0 for share in shares)
    is_whole = len(shares) == n_shares and is_share and abs(sum(shares) - 1) < 1e-6
    if not is_whole:
        raise ValueError(
            f"`test_shares` expected {n_shares} shares that sum to 1, got {value!r}. "
            "Give one per risk group."
        )
