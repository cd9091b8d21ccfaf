"""Writes a model of about half a megabyte with random weights: `tiny_gguf.py OUT`. It talks nonsense, by the rules of the server.

The GGUF format by hand, so that nothing has to be installed: header, metadata, the tensors' names and shapes, then the
tensors, each at a multiple of 32 bytes. The same bytes on every machine.
"""

import array, random, struct, sys

WIDTH, LAYERS, HEADS, KEY_HEADS, INNER, WINDOW = 64, 2, 4, 2, 128, 32768
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
ALIGNED = 32

TEMPLATE = ("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n'}}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def vocabulary():
    letters = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?(){}[]\"'+-*/=_<>"
    tokens = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    tokens += [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    tokens += [("<|im_start|>", CONTROL), ("<|im_end|>", CONTROL)]
    tokens += [(text, NORMAL) for text in [*letters, "▁the", "▁a", "ing", "er", "▁fn", "true", "false"]]
    return tokens


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def metadata(tokens):
    packed = {U32: lambda v: struct.pack("<I", v), F32: lambda v: struct.pack("<f", v),
              BOOL: lambda v: struct.pack("<?", v), STRING: text, I32: lambda v: struct.pack("<i", v)}

    def one(kind, value):
        return struct.pack("<I", kind) + packed[kind](value)

    def many(kind, values):
        return struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(map(packed[kind], values))

    scores = [0.0 if kind != NORMAL else -float(at) for at, (_, kind) in enumerate(tokens)]
    return {
        "general.architecture": one(STRING, "llama"), "general.name": one(STRING, "tiny-random"),
        "llama.context_length": one(U32, WINDOW), "llama.embedding_length": one(U32, WIDTH),
        "llama.block_count": one(U32, LAYERS), "llama.feed_forward_length": one(U32, INNER),
        "llama.attention.head_count": one(U32, HEADS), "llama.attention.head_count_kv": one(U32, KEY_HEADS),
        "llama.attention.layer_norm_rms_epsilon": one(F32, 1e-5),
        "llama.rope.dimension_count": one(U32, WIDTH // HEADS), "llama.vocab_size": one(U32, len(tokens)),
        "tokenizer.ggml.model": one(STRING, "llama"),
        "tokenizer.ggml.tokens": many(STRING, [t for t, _ in tokens]),
        "tokenizer.ggml.scores": many(F32, scores),
        "tokenizer.ggml.token_type": many(I32, [kind for _, kind in tokens]),
        "tokenizer.ggml.bos_token_id": one(U32, 1), "tokenizer.ggml.eos_token_id": one(U32, 2),
        "tokenizer.ggml.unknown_token_id": one(U32, 0), "tokenizer.ggml.add_bos_token": one(BOOL, True),
        "tokenizer.ggml.add_space_prefix": one(BOOL, False), "tokenizer.chat_template": one(STRING, TEMPLATE),
    }


def shapes(words):
    """Names and shapes, the fastest dimension first as the format has it."""
    keys = KEY_HEADS * (WIDTH // HEADS)
    yield from [("token_embd.weight", (WIDTH, words)), ("output.weight", (WIDTH, words)), ("output_norm.weight", (WIDTH,))]
    for layer in range(LAYERS):
        for name, shape in [("attn_norm", (WIDTH,)), ("ffn_norm", (WIDTH,)), ("attn_q", (WIDTH, WIDTH)),
                            ("attn_k", (WIDTH, keys)), ("attn_v", (WIDTH, keys)), ("attn_output", (WIDTH, WIDTH)),
                            ("ffn_gate", (WIDTH, INNER)), ("ffn_up", (WIDTH, INNER)), ("ffn_down", (INNER, WIDTH))]:
            yield f"blk.{layer}.{name}.weight", shape


def model():
    chance, tokens = random.Random(0), vocabulary()
    head, data = b"", b""
    known, tensors = metadata(tokens), list(shapes(len(tokens)))
    for name, shape in tensors:
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = [1.0] * count if len(shape) == 1 else [chance.gauss(0, 0.05) for _ in range(count)]
        head += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape)
        head += struct.pack("<IQ", 0, len(data))
        floats = array.array("f", values)
        if sys.byteorder == "big":
            floats.byteswap()
        data += floats.tobytes()
        data += bytes(-len(data) % ALIGNED)
    start = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(known))
    start += b"".join(text(key) + value for key, value in known.items()) + head
    return start + bytes(-len(start) % ALIGNED) + data


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as out:
        out.write(model())
