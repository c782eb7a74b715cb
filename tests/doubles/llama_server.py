"""llama.cpp's own server over half a megabyte of random weights.

The model knows nothing, but the server is real: it holds a reply to its JSON schema by
a grammar, counts tokens, and refuses what does not fit its context.
"""

import json
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd

WIDTH, HEADS, INNER, CONTEXT = 64, 4, 96, 8192
MUFFLED = -30.0  # bytes outside ASCII
LIKED = {'"': 5.0, ",": 4.0, "{": 3.0, "}": 3.0, ":": 3.0, "\n": -5.0}  # short values


def list_tokens(kinds):
    """Return (text, type, bias) of every token: controls, bytes, printable ASCII."""
    tokens = [("<unk>", kinds.UNKNOWN, MUFFLED), ("<s>", kinds.CONTROL, MUFFLED)]
    tokens.append(("</s>", kinds.CONTROL, 1.0))
    tokens += [(f"<0x{byte:02X}>", kinds.BYTE, MUFFLED) for byte in range(256)]
    for code in (10, *range(33, 127)):
        letter = chr(code)
        bias = LIKED.get(letter, 1.0 if letter.isdigit() else 0.0)
        tokens.append((letter, kinds.NORMAL, bias))
    return [*tokens, ("\u2581", kinds.NORMAL, 0.0)]  # SentencePiece's space


def make_weights(biases, seed):
    """Return the tensors of one block, by their names.

    Every token's vector shares one long part along the first axis, which nothing in
    the block changes; so the first column of the output layer adds a bias per token.
    """
    rng = np.random.default_rng(seed)

    def draw(n_out, n_in):
        return rng.normal(0, n_in**-0.5, (n_out, n_in)).astype(np.float32)

    n_tokens, shared = len(biases), 2.0 * WIDTH**0.5
    embedded, output = draw(n_tokens, WIDTH), draw(n_tokens, WIDTH)
    embedded[:, 0] = shared
    output[:, 0] = np.asarray(biases) / WIDTH**0.5  # the norm leaves about sqrt(WIDTH)
    block = {name: draw(WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v")}
    block |= {"attn_output": draw(WIDTH, WIDTH), "ffn_down": draw(WIDTH, INNER)}
    block |= {"ffn_gate": draw(INNER, WIDTH), "ffn_up": draw(INNER, WIDTH)}
    block["attn_output"][0] = block["ffn_down"][0] = 0
    ones = np.ones(WIDTH, np.float32)
    block |= {"attn_norm": ones, "ffn_norm": ones}
    tensors = {f"blk.0.{name}": values for name, values in block.items()}
    return {**tensors, "token_embd": embedded, "output": output, "output_norm": ones}


def write_model(path, seed=0):
    """Write a llama of one block as GGUF."""
    import gguf

    tokens = list_tokens(gguf.TokenType)
    texts, types, biases = zip(*tokens, strict=True)
    writer = gguf.GGUFWriter(path, "llama")
    for add, value in (
        (writer.add_context_length, CONTEXT),
        (writer.add_embedding_length, WIDTH),
        (writer.add_block_count, 1),
        (writer.add_feed_forward_length, INNER),
        (writer.add_head_count, HEADS),
        (writer.add_head_count_kv, HEADS),
        (writer.add_rope_dimension_count, WIDTH // HEADS),
        (writer.add_layer_norm_rms_eps, 1e-5),
        (writer.add_vocab_size, len(tokens)),
        (writer.add_tokenizer_model, "llama"),
        (writer.add_token_list, texts),
        (writer.add_token_scores, [-float(i) for i in range(len(tokens))]),
        (writer.add_token_types, [int(kind) for kind in types]),
        (writer.add_unk_token_id, 0),
        (writer.add_bos_token_id, 1),
        (writer.add_eos_token_id, 2),
        (writer.add_add_space_prefix, False),  # else a lone space reads as nothing
    ):
        add(value)
    for name, values in make_weights(biases, seed).items():
        writer.add_tensor(f"{name}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def start_server(path, n_slots=4):
    """Serve a model in this process; return the server and its address."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel, params.n_ctx = n_slots, CONTEXT * n_slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    params.use_jinja = False  # with the default, bounds of numbers are ignored
    server = xllamacpp.Server(params)
    return server, f"{server.listening_address}/v1"


class _Proxy(BaseHTTPRequestHandler):
    """Hand everything on, but for one format of replies."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Keep quiet."""

    def do_POST(self):
        """Refuse json_schema as servers do that never heard of it."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        wanted = (json.loads(data).get("response_format") or {}).get("type")
        self.server.formats.append(wanted)
        if wanted == "json_schema":
            text = "'response_format.type' must be 'json_object' or 'text'"
            self._send(400, json.dumps({"error": {"message": text}}).encode())
            return
        headers = {"Content-Type": "application/json"}
        address = self.server.target + self.path.removeprefix("/v1")
        request = urllib.request.Request(address, data, headers)
        try:
            with urllib.request.urlopen(request) as reply:
                self._send(reply.status, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                self._send(error.code, error.read())

    def _send(self, status, data):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def without_schemas(target):
    """Stand before a server and refuse json_schema; yield address and formats seen."""
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    proxy.daemon_threads, proxy.block_on_close = True, False
    proxy.target, proxy.formats = target, []
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}/v1", proxy.formats
    finally:
        proxy.shutdown()
        proxy.server_close()


def make_guessable_table():
    """Return rows whose values a random model may hit: digits, letters, yes or no."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.choice(list("SML"), 30),
            "count": rng.integers(0, 100, 30),
            "is_new": rng.random(30) < 0.5,
            "gap": pd.array(rng.choice([1, 2, None], 30), dtype="Int64"),
        }
    )
    return X, pd.Series(rng.choice(["no", "yes"], 30, p=[0.7, 0.3]), name="sold")
