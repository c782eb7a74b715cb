"""A network that learns to send every real row to one point, in plain numpy.

It has the shape and the target of the network behind the published one-class
embedding, but it is ours: rows are scaled to [0, 1] first (published: raw values), the
weights start from other random numbers, and training stops earlier.
"""

from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

WIDTHS = (32, 32, 32, 32)
CENTRE = 10.0
N_EPOCHS, N_ROWS = 500, 1000  # published: 1000 epochs on all rows
RATE, DECAY = 2e-3, 2e-3
MEMORY, SMALL = (0.9, 0.999), 1e-8  # Adam's usual constants


def embed_one_class(matrices, rng):
    r"""Train on the first matrix and return all of them embedded.

    .. math:: \min_W \frac1n \sum_i \lVert f_W(x_i) - c \rVert^2, \qquad c = 10

    with :math:`f_W` four hidden ReLU layers of 32 and a linear one as wide as the
    input, all without bias: with one, every row could be sent to c alike.
    """
    n_columns = matrices[0].shape[1]
    sizes = (n_columns, *WIDTHS, n_columns)
    weights = [
        rng.uniform(-1, 1, size=shape).astype(np.float32) / np.sqrt(shape[0])
        for shape in pairwise(sizes)
    ]
    rows = rng.permutation(len(matrices[0]))[:N_ROWS]
    with threadpool_limits(1, user_api="blas"):  # products too small to share out
        _train(weights, matrices[0][rows].astype(np.float32))
    weights = [weight.astype(float) for weight in weights]
    return [_forward(weights, matrix)[-1] for matrix in matrices]


def _train(weights, X):
    """Change the weights by full-batch Adam with decoupled weight decay."""
    means = [np.zeros_like(weight) for weight in weights]
    squares = [np.zeros_like(weight) for weight in weights]
    first, second = MEMORY
    for epoch in range(1, N_EPOCHS + 1):
        for j, slope in enumerate(_slopes(weights, X)):
            means[j] += (1 - first) * (slope - means[j])
            squares[j] += (1 - second) * (slope**2 - squares[j])
            step = means[j] / (1 - first**epoch)
            size = np.sqrt(squares[j] / (1 - second**epoch)) + SMALL
            weights[j] -= RATE * (step / size + DECAY * weights[j])


def _slopes(weights, X):
    """Return the gradient of the mean squared distance to the centre, per layer."""
    layers = _forward(weights, X)
    back = 2 * (layers[-1] - CENTRE) / len(X)
    slopes = []
    for j in reversed(range(len(weights))):
        slopes.append(layers[j].T @ back)
        back = (back @ weights[j].T) * (layers[j] > 0)
    return slopes[::-1]


def _forward(weights, X):
    """Return the input and the output of every layer."""
    layers = [X]
    for weight in weights[:-1]:
        layers.append(np.maximum(layers[-1] @ weight, 0))
    return [*layers, layers[-1] @ weights[-1]]
