"""What a metric aims at, written beside it for whoever draws or sorts results."""


def scored(*, goal, low, high):
    """Mark a metric with the direction and the range of its headline number.

    Parameters
    ----------
    goal : 'higher', 'lower' or float
        Which values are better; a number where the best value lies inside the range.
    low, high : float
        Range of ``float(metric(...))``.
    """

    def mark(function):
        function.goal, function.low, function.high = goal, low, high
        return function

    return mark
