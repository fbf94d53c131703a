"""Each launch file starts exactly what its system's plan says."""

import importlib.util

import pytest

from pilotfish.ros_nodes import plan


def load(system):
    path = plan.share_file(f"launch/{system}.launch.py")
    module_spec = importlib.util.spec_from_file_location(f"{system}_launch", path)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module.generate_launch_description()


@pytest.mark.parametrize("system", plan.SYSTEMS)
def test_it_declares_the_plans_arguments(launch_packages, system):
    _, arguments = launch_packages.perform(load(system), {})
    declared = plan.system_module(system).ARGUMENTS
    assert [argument.name for argument in arguments] == [argument.name for argument in declared]
    # The real launch appends the choices.
    for argument, planned in zip(arguments, declared, strict=True):
        assert argument.description.startswith(planned.description)
    assert [tuple(argument.choices or ()) for argument in arguments] == [
        argument.choices for argument in declared
    ]


@pytest.mark.parametrize("system", plan.SYSTEMS)
def test_its_nodes_are_the_plans(launch_packages, system):
    asked = {"namespace": "hall", "robots": "3"}
    declared = [argument.name for argument in plan.system_module(system).ARGUMENTS]
    asked = {name: value for name, value in asked.items() if name in declared}
    nodes, _ = launch_packages.perform(load(system), asked)
    specs = plan.plan_system(system, [f"{name}:={value}" for name, value in asked.items()])
    assert [node.node_executable for node in nodes] == [spec.executable for spec in specs]
    assert [node.node_package for node in nodes] == [spec.package for spec in specs]
    if launch_packages.kind == "stand-in":
        assert [node.node_namespace for node in nodes] == [spec.namespace for spec in specs]
        assert [node.parameters[-1] for node in nodes] == [spec.parameters for spec in specs]
        assert [node.parameters[:-1] for node in nodes] == [list(spec.params_files) for spec in specs]
        assert [node.options["respawn"] for node in nodes] == [spec.respawn for spec in specs]


def test_a_wrong_choice_is_refused(launch_packages):
    with pytest.raises(RuntimeError, match="unreal"):
        launch_packages.perform(load("fleet"), {"backend": "unreal"})
