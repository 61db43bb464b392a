"""Numbers and pointers: what this CPU offers, how a kernel is compiled and run in parallel, and the kernels themselves.

Installed and imported as `edgenet.kernels`. Nothing here knows of a graph, a layer or ONNX.
"""

if __name__ != "edgenet.kernels":
    raise ImportError(
        f"this package was imported as {__name__!r}, but its name is 'edgenet.kernels'. "
        "Write `import edgenet.kernels`, and take the folder `kernels` off sys.path and PYTHONPATH."
    )
