"""Ways to write the same network: all of them are right."""

HEAD = "import numpy as np\n"

ACTIVATIONS = """
def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))

def sigmoid_derivative(z):
    return sigmoid(z) * (1 - sigmoid(z))
"""

SOFTMAX_ROWS = """
def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)
"""

SOFTMAX_COLUMNS = """
def softmax(z):
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)
"""

DICT_COLUMNS = (
    HEAD
    + ACTIVATIONS
    + SOFTMAX_COLUMNS
    + """
def init_params(layer_sizes, seed):
    rng = np.random.RandomState(seed)
    p = {}
    for l in range(1, len(layer_sizes)):
        p["W" + str(l)] = rng.randn(layer_sizes[l], layer_sizes[l - 1]) * 0.1
        p["b" + str(l)] = np.zeros((layer_sizes[l], 1))
    return p

def forward_prop(X, params):
    L = len(params) // 2
    A = X
    for l in range(1, L + 1):
        Z = params["W" + str(l)] @ A + params["b" + str(l)]
        A = softmax(Z) if l == L else sigmoid(Z)
    return A

def compute_cost(A, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A + 1e-300)) / m

def backward_prop(X, Y, params):
    L = len(params) // 2
    m = X.shape[1]
    As = [X]
    for l in range(1, L + 1):
        Z = params["W" + str(l)] @ As[-1] + params["b" + str(l)]
        As.append(softmax(Z) if l == L else sigmoid(Z))
    grads = {}
    dZ = As[-1] - Y
    for l in range(L, 0, -1):
        grads["dW" + str(l)] = dZ @ As[l - 1].T / m
        grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
        if l > 1:
            dZ = (params["W" + str(l)].T @ dZ) * As[l - 1] * (1 - As[l - 1])
    return compute_cost(As[-1], Y), grads

def update_params(params, grads, learning_rate):
    for l in range(1, len(params) // 2 + 1):
        params["W" + str(l)] -= learning_rate * grads["dW" + str(l)]
        params["b" + str(l)] -= learning_rate * grads["db" + str(l)]
    return params

def one_hot(labels, num_classes):
    Y = np.zeros((num_classes, labels.size))
    Y[labels, np.arange(labels.size)] = 1
    return Y

def get_predictions(X, params):
    return np.argmax(forward_prop(X, params), axis=0)

def get_accuracy(predictions, labels):
    return np.sum(predictions == labels) / labels.size
"""
)

ROWS_WITH_ROW_BIAS = (
    HEAD
    + ACTIVATIONS
    + SOFTMAX_ROWS
    + """
def initialize(layer_sizes, seed):
    rng = np.random.default_rng(seed)
    return [(rng.uniform(-0.1, 0.1, (i, o)), np.zeros((1, o))) for i, o in zip(layer_sizes, layer_sizes[1:])]

def feed_forward(x, parameters):
    for W, b in parameters[:-1]:
        x = sigmoid(np.dot(x, W) + b)
    W, b = parameters[-1]
    return softmax(np.dot(x, W) + b)

def cross_entropy(p, y):
    picked = p[np.arange(len(y)), y.argmax(axis=1)]
    return -np.mean(np.log(np.maximum(picked, 1e-300)))

def back_propagate(x, y, parameters):
    zs, activations = [], [x]
    for k, (W, b) in enumerate(parameters):
        zs.append(activations[-1] @ W + b)
        activations.append(softmax(zs[-1]) if k + 1 == len(parameters) else sigmoid(zs[-1]))
    delta = (activations[-1] - y) / x.shape[0]
    gradients = [None] * len(parameters)
    for k in range(len(parameters) - 1, -1, -1):
        gradients[k] = (np.einsum("ni,no->io", activations[k], delta), delta.sum(axis=0, keepdims=True))
        if k:
            delta = np.dot(delta, parameters[k][0].T) * sigmoid_derivative(zs[k - 1])
    return cross_entropy(activations[-1], y), gradients

def update(parameters, gradients, learning_rate):
    return [(W - learning_rate * dW, b - learning_rate * db) for (W, b), (dW, db) in zip(parameters, gradients)]
"""
)

LOOPS_AND_LISTS = (
    HEAD
    + """
import math

def sigmoid(z):
    out = np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        v = z[index]
        out[index] = 1 / (1 + math.exp(-v)) if v > -700 else 0.0
    return out

def softmax(z):
    rows = []
    for row in z:
        e = [math.exp(v - max(row)) for v in row]
        rows.append([v / sum(e) for v in e])
    return np.array(rows)

def one_hot(labels, num_classes):
    return np.array([[1.0 if k == label else 0.0 for k in range(num_classes)] for label in labels])

def initialize(layer_sizes, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 1 / np.sqrt(i), (i, o)) for i, o in zip(layer_sizes[:-1], layer_sizes[1:])]
    biases = [np.zeros(o) for o in layer_sizes[1:]]
    return weights, biases

def feed_forward(x, parameters):
    weights, biases = parameters
    for k in range(len(weights)):
        z = x.dot(weights[k]) + biases[k]
        x = softmax(z) if k == len(weights) - 1 else sigmoid(z)
    return x

def back_propagate(x, y, parameters):
    weights, biases = parameters
    acts = [x]
    for k in range(len(weights)):
        z = acts[-1].dot(weights[k]) + biases[k]
        acts.append(softmax(z) if k == len(weights) - 1 else sigmoid(z))
    dws, dbs = [np.zeros_like(w) for w in weights], [np.zeros_like(b) for b in biases]
    for n in range(len(x)):
        delta = (acts[-1][n] - y[n]) / len(x)
        for k in reversed(range(len(weights))):
            dws[k] += np.outer(acts[k][n], delta)
            dbs[k] += delta
            if k > 0:
                delta = weights[k] @ delta * acts[k][n] * (1 - acts[k][n])
    loss = -sum(math.log(max(p, 1e-300)) for p in (acts[-1] * y).sum(axis=1)) / len(x)
    return loss, (dws, dbs)

def misclassified(predicted, labels):
    return [n for n in range(len(labels)) if predicted[n] != labels[n]]
"""
)

CLASS = (
    HEAD
    + ACTIVATIONS
    + SOFTMAX_ROWS
    + """
class Network:
    def __init__(self, layer_sizes, seed=695):
        rng = np.random.default_rng(seed)
        self.sizes = layer_sizes
        self.weights = [rng.uniform(-1, 1, (i, o)) / np.sqrt(i) for i, o in zip(layer_sizes, layer_sizes[1:])]
        self.biases = [np.zeros(o) for o in layer_sizes[1:]]

    def forward(self, x):
        self.activations = [x]
        for k, (W, b) in enumerate(zip(self.weights, self.biases)):
            z = self.activations[-1] @ W + b
            self.activations.append(softmax(z) if k == len(self.weights) - 1 else sigmoid(z))
        return self.activations[-1]

    def loss(self, p, y):
        return -np.sum(y * np.log(np.clip(p, 1e-300, 1))) / len(y)

    def backward(self, x, y):
        p = self.forward(x)
        delta = (p - y) / len(x)
        dW, db = [], []
        for k in reversed(range(len(self.weights))):
            dW.insert(0, self.activations[k].T @ delta)
            db.insert(0, delta.sum(axis=0))
            if k:
                a = self.activations[k]
                delta = delta @ self.weights[k].T * a * (1 - a)
        return self.loss(p, y), dW, db

    def predict(self, x):
        return self.forward(x).argmax(axis=1)
"""
)

SINGLE = (
    HEAD
    + ACTIVATIONS
    + SOFTMAX_ROWS
    + """
def initialize(layer_sizes, seed):
    rng = np.random.default_rng(seed)
    sizes = zip(layer_sizes, layer_sizes[1:])
    return [(rng.normal(0, 0.1, (i, o)).astype(np.float32), np.zeros(o, np.float32)) for i, o in sizes]

def feed_forward(x, parameters):
    a = x.astype(np.float32)
    for W, b in parameters[:-1]:
        a = sigmoid(a @ W + b)
    W, b = parameters[-1]
    return softmax(a @ W + b)

def back_propagate(x, y, parameters):
    acts = [x.astype(np.float32)]
    for k, (W, b) in enumerate(parameters):
        z = acts[-1] @ W + b
        acts.append(softmax(z) if k == len(parameters) - 1 else sigmoid(z))
    d = (acts[-1] - y.astype(np.float32)) / np.float32(len(x))
    g = []
    for k in range(len(parameters) - 1, -1, -1):
        g = [(acts[k].T @ d, d.sum(0))] + g
        d = d @ parameters[k][0].T * acts[k] * (1 - acts[k])
    return float(-(y * np.log(np.maximum(acts[-1], 1e-30))).sum() / len(y)), g
"""
)

STYLES = {
    "a dict, images as columns": DICT_COLUMNS,
    "rows, biases as rows, einsum": ROWS_WITH_ROW_BIAS,
    "loops, lists of weights and of biases": LOOPS_AND_LISTS,
    "a class": CLASS,
    "float32": SINGLE,
}
