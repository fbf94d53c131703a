"""One ament_python package that is a plain pip package too.

The folders of the repository map to one import package: ``policies/follower`` is
``pilotfish.policies.follower``. ``pilotfish`` itself is a namespace package and has no folder.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
NAME = "pilotfish"
TOP = ("policies", "worlds", "ros_nodes", "hardware", "cli")
EXECUTABLES = (
    *("follower_node", "follower_host", "task_node", "fleet_sim_node", "radio_node"),
    *("explorer_node", "explorer_host", "explore_sim_node", "exploration_radio_node"),
    *("policy_node", "manipulation_sim_node"),
    "recorder_node",
)
DATA_SUFFIXES = ("json", "yaml", "md", "map", "txt", "png", "pgm", "onnx", "safetensors", "urdf")

CORE = [
    "numpy",
    "scipy",
    "numba",
    "onnxruntime",
    "pybullet",
    "typer",
    "rich",
    "pillow",
    "imageio",
    "imageio-ffmpeg",
    "pyyaml",
    "safetensors",
    "rosbags",
    "networkx",
]
ROS_WHEELS = [
    "ros-rclpy==9.1.2",
    "ros-rmw-fastrtps-cpp",
    "ros-geometry-msgs",
    "ros-nav-msgs",
    "ros-sensor-msgs",
    "ros-std-msgs",
    "ros-trajectory-msgs",
    "ros-visualization-msgs",
    "ros-action-msgs",
    "ros-lifecycle-msgs",
    "ros-diagnostic-msgs",
    "ros-rosgraph-msgs",
    "ros-builtin-interfaces",
    "ros-test-msgs",
    "ros-std-srvs",
    "ros-ament-index-python",
]
TRAIN = ["torch", "stable-baselines3", "tensorboard", "torch-geometric", "onnx", "matplotlib"]
MANIPULATION = ["lerobot==0.4.4", "stable-baselines3", "gymnasium", "onnx", "matplotlib", "tensorboard"]
DEV = [
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "hypothesis",
    "ruff",
    "mypy",
    "pre-commit",
    "typos",
    "setuptools",
]


def import_packages() -> dict[str, str]:
    """Import name -> folder, for every package of the repository."""
    found = {f"{NAME}.{top}": top for top in TOP}
    for top in TOP:
        for sub in find_packages(str(HERE / top)):
            found[f"{NAME}.{top}.{sub}"] = f"{top}/{sub.replace('.', '/')}"
    return found


def link_sources() -> None:
    """Give ``colcon build --symlink-install`` the layout it needs.

    It runs this file from a build folder and installs a link to that folder, so the sources must stand
    there as they are imported.
    """
    for top in TOP:
        link = Path(NAME) / top
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            link.symlink_to(HERE / top, target_is_directory=True)


def share_files() -> list[tuple[str, list[str]]]:
    """What ROS looks for under ``share/``: the index marker, the manifest, launch files, parameters."""
    share = f"share/{NAME}"
    files = [
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (share, ["package.xml"]),
    ]
    views = (("launch", "*.rviz"), ("launch", "*.foxglove.json"))
    for folder, pattern in (("launch", "*.launch.py"), ("launch/params", "*.yaml"), *views):
        found = sorted(path.relative_to(HERE).as_posix() for path in (HERE / folder).glob(pattern))
        if found:
            files.append((f"{share}/{folder}", found))
    return files


packages = import_packages()
in_colcon_build_folder = Path.cwd().resolve() != HERE
if in_colcon_build_folder:
    link_sources()

setup(
    name=NAME,
    version="0.1.0",
    description="ROS 2 nodes that put learned robot policies to work: fleets first",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The Pilotfish authors",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=list(packages),
    package_dir={} if in_colcon_build_folder else packages,
    package_data={"": [f"**/*.{suffix}" for suffix in DATA_SUFFIXES]},
    data_files=share_files(),
    zip_safe=False,
    install_requires=CORE,
    extras_require={"ros": ROS_WHEELS, "train": TRAIN, "manipulation": MANIPULATION, "dev": DEV},
    entry_points={
        "console_scripts": [
            f"{NAME} = {NAME}.cli.main:main",
            *(f"{executable} = {NAME}.ros_nodes.{executable}:main" for executable in EXECUTABLES),
        ]
    },
)
