"""What a comparison of names and arguments cannot find: notes for docs/coming_from_keras.md, by regular expression."""

INTRODUCTION = """
Names, order of arguments, defaults and meanings are those of Keras 3; `import keras` becomes `import edgenet as keras`
in many a script. This page lists every public name of Keras: **yes** (as in Keras), **differs** (and in what), **no**
(and what to use, where there is something). It is written by `scripts/coming_from_keras.py`, which compares arguments
and defaults one by one; the [API reference](api/index.md) says what each name does.

What holds everywhere:

- Weights and results are float32 (labels and indices int32), images are channels last, sizes other than the batch are
  known when a model is built. An argument that Keras has is taken, also where only one value makes sense
  (`data_format="channels_last"`, `dtype="float32"`); another value raises an error that says what to do.
- `name`, `trainable`, `dtype`, and in a first layer `input_shape` or `input_dim`, are taken by every layer.
- Computation is written with `edgenet.ops` on symbolic values, in losses, metrics, `Lambda` and layers of one's own;
  functions of `edgenet.ops` do not take arrays (NumPy does that), losses and metrics do. There is no eager mode:
  `model(x)` on arrays runs the compiled model in inference and gives an array.
- There are no masks, no ragged or sparse tensors, no strings, no subclass of `Model` with its own `call` (a subclass of
  `Layer` may have one), no `jit_compile` to choose: everything is compiled.
- Random numbers come from other generators: the same seed gives other numbers than in Keras.
- Models are saved as `.edgenet`; `export` writes ONNX.
"""

#: names that are there, with what the arguments do not tell
DIFFERS = {
    r"layers\.Lambda": "the function is written with `edgenet.ops`",
    r"layers\.Embedding": "`mask_zero=True` is refused: there are no masks",
    r"layers\.Resizing": "`crop_to_aspect_ratio=True` is refused",
    r"layers\.Input|keras\.Input": "gives a symbolic tensor; only the batch may be open",
    r"metrics\.AUC": "`multi_label=True` is refused: one AUC an output",
    r"callbacks\.TensorBoard": "writes scalars, histograms and the graph; no profile, no embeddings",
    r"models\.Model|keras\.Model": "is built of inputs and outputs; a subclass with its own `call` is a `Layer`",
    r"(Layer|Model|Sequential) methods\.call": "emits ops of `edgenet.ops`",
    r"(Model|Sequential) methods\.compile": "`jit_compile`, `run_eagerly` … are taken where they ask for nothing",
    r"(Model|Sequential) methods\.summary": "also counts multiply-adds; `expand_nested=True` is refused",
    r"(Model|Sequential) methods\.export": "writes ONNX",
    r"(Model|Sequential) methods\.(save|save_weights|load_weights)": "files of edgenet: `.edgenet`",
    r"(models|saving)\.(load_model|save_model)": "files of edgenet: `.edgenet`",
    r"utils\.(PyDataset|Sequence)": "batches are made in the thread that trains",
    r"ops\.(matmul)": "the second operand is a matrix",
    r"ops\.(equal|not_equal|greater|greater_equal|less|less_equal|logical_\w+|isnan)": "gives 1.0 and 0.0",
    r"ops\.(average|max_pool|depth_to_space|space_to_depth)": "an op of edgenet with arguments of its own",
    r"ops\.cast": "float32, int32 and (as 1.0 and 0.0) bool",
    r"ops\.take": "symbolic indices along axis 0 only",
    r"datasets\.\w+": "`load_data(path)` takes a folder",
}

#: names that are not there, with what to use in their place
MISSING = {
    r"layers\.\w+3D(Transpose)?": "no volumes",
    r"layers\.(RNN|LSTM|GRU|SimpleRNN|\w*Cell|StackedRNNCells|Bidirectional|TimeDistributed|ConvLSTM\dD)": (
        "no recurrent layers; `Dense` works on any rank, which `TimeDistributed(Dense)` is for"
    ),
    r"layers\.(\w*Attention)": "no attention layers",
    r"layers\.Masking": "no masks",
    r"layers\.(JaxLayer|FlaxLayer|TFSMLayer|TorchModuleWrapper)": "no other framework: export to ONNX and load that",
    r"layers\.(TextVectorization|StringLookup|IntegerLookup|Hashing|HashedCrossing|CategoryEncoding|Discretization)": (
        "no strings and tables in a graph: prepare them with NumPy"
    ),
    r"layers\.(Random\w+|AugMix|CutMix|MixUp|RandAugment|AutoContrast|Equalization|Solarization|Pipeline)": (
        "augmentation is RandomFlip, RandomTranslation, RandomRotation, RandomZoom, RandomContrast"
    ),
    r"layers\.(STFTSpectrogram|MelSpectrogram)": "prepare spectra with NumPy",
    r"layers\.AlphaDropout|layers\.GaussianDropout": "`Dropout`, `GaussianNoise`",
    r"layers\.CenterCrop": "`Cropping2D`",
    r"layers\.Identity": '`Activation("linear")`',
    r"layers\.(Cropping1D|ZeroPadding1D|UpSampling1D|\w*Conv\w*1D\w*|\w*Convolution1D\w*)": (
        "`Reshape` to (steps, 1, channels) and the layer of two axes"
    ),
    r"layers\.(Adaptive\w+)": "a pooling layer whose window is known",
    r"layers\.(\w+Normalization)": "batch, layer, group and unit normalization",
    r"layers\.ActivityRegularization": "a regularizer of weights, or a loss of one's own",
    r"layers\.(EinsumDense|ReversibleEmbedding|Wrapper)": "a `Layer` of one's own",
    r"metrics\.(\w+)": "a `Metric` of one's own",
    r"losses\.(\w+)": "a function of `edgenet.ops`",
    r"(utils|saving)\.(custom_object_scope|CustomObjectScope)": "`edgenet.layers.custom_object_scope`",
    r"(utils|saving)\.(register_keras_serializable|get_registered_\w+)": "`edgenet.layers.register_layer`",
    r"(utils|saving)\.(de)?serialize_keras_object": "`serialize` and `deserialize` of layers, losses, …",
    r"saving\.(save_model|save_weights|load_weights)": "the methods of `Model`",
    r"utils\.normalize": "`edgenet.layers.UnitNormalization`, NumPy",
    r"utils\.(clear_session)": "nothing is kept: there is no session",
    r"utils\.get_file": "the standard library",
    r"utils\.split_dataset": "`validation_split`",
    r"callbacks\.ProgbarLogger": "`fit(verbose=1)`",
    r"keras\.(device|name_scope|remat|RematScope|\w+Scope|\w*DTypePolicy)": "nothing to choose",
    r"keras\.applications": "load pretrained models as ONNX: `edgenet.converters.onnx.load`",
    r"keras\.(saving|legacy|export)": "`edgenet.models`, `Model.export`",
    r"keras\.random": "the random layers, and NumPy",
    r"keras\.preprocessing": "`edgenet.utils`, NumPy",
    r"keras\.(backend|config|mixed_precision|dtype_policies|quantizers|distribution)": "one back end, float32",
    r"keras\.(Variable)": "`Layer.add_weight`",
    r"random\.\w+": "the random layers, and NumPy",
    r"callbacks\.(RemoteMonitor|SwapEMAWeights|OrbaxCheckpoint)": "a `Callback` of one's own",
    r"utils\.(image_dataset_from_directory|audio_\w+|text_\w+|timeseries_\w+)": "a `PyDataset` of one's own",
    r"utils\.(load_img|img_to_array|array_to_img|save_img)": "Pillow and `numpy.asarray`",
    r"(Model|Sequential) methods\.(make_\w+|train_step|test_step|predict_step|compute_loss\w*|stateless_\w+)": (
        "a step is one compiled program: losses, metrics and callbacks of one's own are where to hook in"
    ),
    r"\w+ methods\.(quantize\w*|quantization_mode|get_quantization_layer_structure)": "no quantised training",
    r"(Layer|Model|Sequential) methods\.losses": "a regularizer, or a loss of one's own",
    r"optimizers\.(LossScaleOptimizer)": "float32 needs no loss scale",
    r"Optimizer methods\.\w+": "updates are part of the compiled step: override `update`",
    r"Metric methods\.\w+": "a metric is `counts` and `figure`",
    r"optimizers\.(Lamb|Adafactor|ScheduleFreeAdamW|MultiOptimizer)": "an `Optimizer` of one's own",
    r"optimizers\.Muon": "`AdamW`",
}
