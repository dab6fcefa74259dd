"""Other kernels for what is left of a training step beside its matrix products, each timed in turn with today's; and
how fast matrices are multiplied.

usage: kernels.py [ROUNDS]
Needs Python's tensorflow-cpu of the engine's version, whose kernels are the same. Sizes are t5-small's with 32 sources
of 64 tokens, bert-base's feed-forward and, for products, 100 rows of 32 tokens on t5-nano. Prints Markdown tables:
milliseconds an operation and GFLOP/s, medians.
"""

import os
import statistics
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
ROWS, LENGTH, HEADS, SIZE = 32, 64, 8, 64
TOKENS, MODEL = ROWS * LENGTH, HEADS * SIZE
# What a run repeats, so that its start does not count.
REPEATS = 10


def random(*shape, dtype=tf.float32):
    values = np.random.randn(*shape).astype(dtype.as_numpy_dtype)
    return v1.get_variable(f"random_{len(v1.global_variables())}", initializer=values)


def fused(kind, inputs, operations, label=None, **flags):
    """A oneDNN operation that TensorFlow's own rewriting puts in; label and attributes as it sets them."""
    attributes = {
        "T": v1.AttrValue(type=tf.float32.as_datatype_enum),
        "num_args": v1.AttrValue(i=len(inputs) - 2),
        "fused_ops": v1.AttrValue(list=v1.AttrValue.ListValue(s=[name.encode() for name in operations])),
        **({"_kernel": v1.AttrValue(s=label)} if label else {}),
        **{name: v1.AttrValue(b=value) for name, value in flags.items()},
    }
    tensors = [tf.convert_to_tensor(x) for x in inputs]
    graph = v1.get_default_graph()
    return graph.create_op(kind, tensors, [tf.float32], attrs=attributes, name=kind.strip("_")).outputs[0]


def scores(q, k, bias):
    return tf.matmul(q, k, transpose_b=True) + bias


def heads_first(x, weights):
    whole = tf.reshape(tf.matmul(x, weights), [ROWS, LENGTH, HEADS, SIZE])
    return tf.transpose(whole, [0, 2, 1, 3])


def heads_by_product(x, weights):
    return tf.matmul(tf.reshape(x, [ROWS, 1, LENGTH, MODEL]), weights)


def bits(count, seed):
    return tf.raw_ops.StatelessRandomUniformFullInt(shape=[count], seed=seed, dtype=tf.int32)


def comparisons():
    q, k = random(ROWS, HEADS, LENGTH, SIZE), random(ROWS, HEADS, LENGTH, SIZE)
    bias = random(ROWS, HEADS, LENGTH, LENGTH)
    x, square, by_head = random(TOKENS, MODEL), random(MODEL, MODEL), random(HEADS, MODEL, SIZE)
    wide, up, offset = random(TOKENS, 768), random(768, 3072), random(3072)
    gradients = [random(TOKENS, MODEL) for _ in range(4)]
    seeds = [[7, place] for place in range(8)]
    yield (
        "scores + bias: _MklFusedBatchMatMulV2",
        lambda: scores(q, k, bias),
        lambda: fused("_MklFusedBatchMatMulV2", [q, k, tf.ones([]), bias], ["Mul", "Add"], adj_y=True),
    )
    yield (
        "BERT's x·W + b, ReLU: _MklNativeFusedMatMul",
        lambda: tf.nn.relu(tf.matmul(wide, up) + offset),
        lambda: fused("_MklNativeFusedMatMul", [wide, up, offset], ["BiasAdd", "Relu"], b"MklNameChangeOp"),
    )
    yield (
        "heads first: a product for each head, no transpose",
        lambda: heads_first(x, square),
        lambda: heads_by_product(x, by_head),
    )
    yield (
        "bits of eight dropouts: one draw",
        lambda: tf.group([bits(TOKENS * MODEL // 2, seed) for seed in seeds]),
        lambda: tf.group(tf.split(bits(8 * TOKENS * MODEL // 2, seeds[0]), 8)),
    )
    yield (
        "sum of four gradients: AddN",
        lambda: gradients[0] + gradients[1] + gradients[2] + gradients[3],
        lambda: tf.add_n(gradients),
    )


def products():
    for dtype in (tf.float32, tf.bfloat16):
        for rows, inner, columns in ((3200, 256, 256), (3200, 256, 1024), (3200, 1024, 256), (2048, 768, 3072)):
            a, b = random(rows, inner, dtype=dtype), random(inner, columns, dtype=dtype)
            yield dtype.name, (rows, inner, columns), repeated(lambda a=a, b=b: tf.matmul(a, b))


def repeated(build):
    """One operation that runs what `build` adds, again and again, one after the other."""
    last = []
    for _ in range(REPEATS):
        with tf.control_dependencies(last):
            made = build()
        last = [made if isinstance(made, tf.Operation) else made.op]
    return last[0]


def milliseconds(session, operation):
    start = time.perf_counter()
    session.run(operation)
    return (time.perf_counter() - start) * 1000 / REPEATS


def main(rounds=15):
    v1.disable_eager_execution()
    v1.disable_resource_variables()
    built = [(name, repeated(now), repeated(other)) for name, now, other in comparisons()]
    multiplied = list(products())
    config = v1.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.global_jit_level = v1.OptimizerOptions.OFF
    print("| | today, ms | other, ms | ratio |\n|---|---:|---:|---:|")
    with v1.Session(config=config) as session:
        session.run(v1.global_variables_initializer())
        for name, now, other in built:
            times = [(milliseconds(session, now), milliseconds(session, other)) for _ in range(rounds + 2)][2:]
            before, after = (statistics.median(column) for column in zip(*times))
            print(f"| {name} | {before:.2f} | {after:.2f} | {after / before:.2f} × |", flush=True)
        print("\n| product | precision | GFLOP/s |\n|---|---|---:|")
        for precision, (rows, inner, columns), operation in multiplied:
            taken = statistics.median([milliseconds(session, operation) for _ in range(rounds + 2)][2:])
            rate = 2 * rows * inner * columns / taken / 1e6
            print(f"| {rows:,} × {inner:,} × {columns:,} | {precision} | {rate:.0f} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
