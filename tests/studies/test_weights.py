"""The reader printed in docs/weights.md reproduces F(x, t) of every architecture to rounding, and finds damage."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np

program, page = sys.argv[1], pathlib.Path(sys.argv[2])
blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
assert len(blocks) == 2, f"{page}: expected the reader and its use, found {len(blocks)} blocks"
reader = {}
exec(blocks[0], reader)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "weights.h5")
    subprocess.run([program, path], check=True)
    with h5py.File(path, "r") as file:
        groups = {name: {key: node[key][...] for key in ("test_x", "test_t", "test_out")} for name, node in file.items()}
        seen = {tuple(str(node.attrs[key]) for key in ("activation", "time", "residual", "precision")) for node in file.values()}
    assert len(seen) == 5 * 4 * 2 * 2, seen
    for name, data in groups.items():
        network = reader["Network"](path, name)
        out = network(data["test_x"].T, data["test_t"][0]).T
        assert out.dtype == data["test_out"].dtype
        # Sums of at most 31 products of numbers of order one in four layers, each with an activation of a few ulp.
        error, bound = np.abs(out - data["test_out"]).max(), 4 * 10 * np.finfo(out.dtype).eps
        assert error <= bound, f"{name}: {error} > {bound}"
        assert np.abs(out).max() > 0.05

    # A flipped bit in the weights is found.
    with h5py.File(path, "r+") as file:
        values = file["float_0/weights"][...]
        values.view(np.uint32)[7] ^= 1
        file["float_0/weights"][...] = values
    try:
        reader["Network"](path, "float_0")
    except ValueError as error:
        assert "damaged" in str(error)
    else:
        raise AssertionError("a flipped bit went unnoticed")

    # The example below the reader runs.
    with h5py.File(path, "r+") as file:
        file.move("double_3", "network")
        file["network"].move("weights", "average")
    os.chdir(folder)
    scope = dict(reader, x=np.zeros((4, 3)), t=np.zeros(4))
    exec(blocks[1], scope)
    assert scope["velocity"].shape == (4, 2)
print(f"{len(groups)} networks read")
