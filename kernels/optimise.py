"""LLVM: the machine that code is made for, and the passes that kernels go through.

A kernel is optimised once, as one function, when all that it calls is known; what it calls is tidied before, once for
all kernels of a process that call it.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import llvmlite.binding as llvm

from .target import architecture, current


class Machine(NamedTuple):
    """A machine that code is made for, in LLVM's words: ``Machine("aarch64-unknown-linux-gnu", "cortex-a72")``."""

    triple: str
    cpu: str
    features: str = ""

    @staticmethod
    def here() -> Machine:
        """The machine that `target.current` names, else this one."""
        triple, target = llvm.get_process_triple(), current()
        if target.foreign:
            triple = f"{architecture()}-unknown-linux-gnu"
        # where tiles take 512 bits, the loops that LLVM turns into vectors may take them as well
        wide = "-prefer-256-bit" if target.lanes == 16 else ""
        if target.cpu:
            return Machine(triple, target.cpu, wide)
        return Machine(triple, llvm.get_host_cpu_name(), f"{llvm.get_host_cpu_features().flatten()},{wide}".strip(","))


@functools.cache
def target_machine(machine: Machine) -> Any:
    """LLVM's own object for a machine."""
    if machine.triple != llvm.get_process_triple():  # another instruction set
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    options = {"opt": 3, "cpu": machine.cpu, "features": machine.features, "reloc": "pic"}
    return llvm.Target.from_triple(machine.triple).create_target_machine(**options, codemodel="default")


def tidy(module: Any) -> None:
    """Make values of Numba's variables, and join blocks, before functions are inlined here and there."""
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    builder = _pass_builder(target_machine(Machine.here()))
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)


def optimise(module: Any, kernel: str, target: Any, tiles: bool) -> None:
    """Have everything inlined into ``entry``, and that simplified; where it is no tile, loops become vectors.

    Tiles are vectors already, unrolled and addressed as they should be: all that LLVM finds out about loops is a matter
    of the loops around them, and takes most of the time.
    """
    builder = _pass_builder(target)
    inline = llvm.create_new_module_pass_manager()
    inline.add_always_inliner_pass()
    inline.add_global_dead_code_eliminate_pass()
    for variable in module.global_variables:
        variable.linkage = "internal"
    for function in module.functions:
        if not function.is_declaration and function.name != "entry":
            function.linkage = "internal"
            if function.name != kernel:
                function.add_function_attribute("alwaysinline")
    inline.run(module, builder)
    # then the kernel itself, now that each access tells which argument it belongs to
    module.get_function(kernel).add_function_attribute("alwaysinline")
    inline.run(module, builder)
    if tiles:
        simplify = llvm.create_new_function_pass_manager()
        simplify.add_loop_rotate_pass()
        simplify.add_instruction_combine_pass()
        simplify.add_simplify_cfg_pass()
        simplify.run(module.get_function("entry"), builder)
    else:
        builder.getModulePassManager().run(module, builder)


def _pass_builder(target: Any) -> Any:
    options = llvm.create_pipeline_tuning_options(3)
    options.loop_vectorization = options.slp_vectorization = True
    return llvm.create_pass_builder(target, options)
