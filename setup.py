from setuptools import find_packages, setup

TOP = ("policies", "worlds", "ros_nodes", "hardware", "cli")
packages = {f"pilotfish.{name}": name for name in TOP}
for top in TOP:
    for sub in find_packages(top):
        packages[f"pilotfish.{top}.{sub}"] = f"{top}/{sub.replace('.', '/')}"

setup(
    name="pilotfish",
    version="0.1.0",
    packages=list(packages),
    package_dir=packages,
    python_requires=">=3.10",
    entry_points={"console_scripts": ["pilotfish = pilotfish.cli.main:main"]},
)
