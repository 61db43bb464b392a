"""The borders of the library: models of other formats read into a `Graph`, and a `Graph` written out again.

Installed and imported as `edgenet.converters`. `import edgenet` does not import this package, so ONNX stays optional.
"""

if __name__ != "edgenet.converters":
    raise ImportError(
        f"this package was imported as {__name__!r}, but its name is 'edgenet.converters'. "
        "Write `import edgenet.converters`, and take the folder `converters` off sys.path and PYTHONPATH."
    )
