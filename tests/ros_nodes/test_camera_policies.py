"""Policies of LeRobot that see: the node sends what LeRobot's own loop gives; and live, with a camera."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy")
pytest.importorskip("lerobot", reason="needs the install group [manipulation]")

import rclpy
import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from lerobot.policies.factory import make_pre_post_processors
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Float32MultiArray

from pilotfish.ros_nodes.common import ERROR, OK
from pilotfish.ros_nodes.conversions.geometry import to_time
from pilotfish.ros_nodes.live_system import LiveSystem
from pilotfish.ros_nodes.plan import plan_system, share_file
from pilotfish.ros_nodes.policy_node import PolicyNode

KINDS = ["act", "diffusion"]
"""Of policies; the second looks back at two observations."""
STATE, IMAGE = "observation.state", "observation.image"
PERIOD = 0.1
SIDE = 32
RANDOM = np.random.default_rng(0)
MAPPING = {
    "features": {
        STATE: [{"topic": "state", "type": "std_msgs/Float32MultiArray", "fields": [0, 1, 2]}],
        IMAGE: [{"topic": "camera", "type": "sensor_msgs/Image"}],
    },
    "action": ["go", "turn"],
    "outputs": [
        {
            "topic": "cmd_vel",
            "type": "geometry_msgs/TwistStamped",
            "fields": {"twist.linear.x": "go", "twist.angular.z": "turn"},
        }
    ],
}


def save_policy(kind, folder, state=3, action=2, side=SIDE, steps=4):
    """A policy of random weights, saved by LeRobot; returns it and its two processors."""
    torch.manual_seed(0)
    options = {
        "input_features": {
            STATE: PolicyFeature(FeatureType.STATE, (state,)),
            IMAGE: PolicyFeature(FeatureType.VISUAL, (3, side, side)),
        },
        "output_features": {"action": PolicyFeature(FeatureType.ACTION, (action,))},
        "device": "cpu",
        "push_to_hub": False,
        "pretrained_backbone_weights": None,
        "n_action_steps": steps,
    }
    if kind == "act":
        options |= {"chunk_size": 4, "dim_model": 16, "n_heads": 2, "dim_feedforward": 16}
        config = ACTConfig(**options, n_encoder_layers=1, n_vae_encoder_layers=1)
        policy = ACTPolicy(config)
    else:
        options |= {"n_obs_steps": 2, "horizon": 8, "crop_shape": None, "spatial_softmax_num_keypoints": 4}
        options |= {"down_dims": (16, 32), "diffusion_step_embed_dim": 8, "n_groups": 4}
        options |= {"num_train_timesteps": 10, "num_inference_steps": 2, "noise_scheduler_type": "DDIM"}
        config = DiffusionConfig(**options)
        policy = DiffusionPolicy(config)
    statistics = {}
    for name, feature in (config.input_features | config.output_features).items():
        ones = torch.ones((3, 1, 1) if name == IMAGE else feature.shape)
        statistics[name] = {"min": -ones, "max": ones, "mean": 0 * ones, "std": 0.5 * ones}
    processors = make_pre_post_processors(config, dataset_stats=statistics)
    policy.save_pretrained(folder)
    for processor in processors:
        processor.save_pretrained(folder)
    return policy.eval(), *processors


@pytest.fixture(scope="module", params=KINDS)
def saved(request, tmp_path_factory):
    """Folder, policy and processors."""
    folder = tmp_path_factory.mktemp(request.param)
    return folder, *save_policy(request.param, folder)


class Bench:
    """A node that serves a policy, its clock, and the (go, turn) that it has sent."""

    def __init__(self, context, folder, mapping) -> None:
        self.now = 100.0
        # So patient that every chunk is waited for, however slow this computer is.
        given = {"policy": str(folder), "mapping": str(mapping), "input_timeout": 0.25, "patience": 200.0}
        self.node = PolicyNode(
            clock=lambda: self.now,
            hosted=True,
            context=context,
            parameter_overrides=[Parameter(name, value=value) for name, value in given.items()],
        )
        self.node.start()
        self.sent: list[tuple[float, float]] = []
        self.node._outputs["cmd_vel"].publish = self.note

    def note(self, message) -> None:
        self.sent.append((message.twist.linear.x, message.twist.angular.z))

    def tick(self, state, picture: Image | None) -> None:
        """One period; without a picture the camera is silent."""
        self.now += PERIOD
        self.node.inputs.see("state", Float32MultiArray(data=state.tolist()), self.now)
        if picture is not None:
            picture.header.stamp = to_time(self.now)
            self.node.inputs.see("camera", picture, self.now)
        self.node.tick()

    @property
    def stopped(self) -> bool:
        return self.sent[-1] == (0.0, 0.0)


@pytest.fixture
def make(tmp_path):
    context = rclpy.Context()
    context.init(args=[])
    benches = []

    def bench(folder, mapping=MAPPING):
        file = tmp_path / "mapping.yaml"
        file.write_text(yaml.safe_dump(mapping))
        benches.append(Bench(context, folder, file))
        return benches[-1]

    yield bench
    for found in benches:
        found.node.destroy_node()
    context.try_shutdown()


def random_state():
    return RANDOM.uniform(-1, 1, 3).astype(np.float32)


def random_pixels(side=SIDE):
    return RANDOM.integers(0, 256, (side, side, 3), np.uint8)


def picture(pixels, encoding="rgb8", padding=0) -> Image:
    """A camera's message of pixels [H, W, 3], red first."""
    height, width = pixels.shape[:2]
    rows = (pixels[:, :, ::-1] if encoding == "bgr8" else pixels).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return Image(height=height, width=width, encoding=encoding, step=rows.shape[1], data=rows.tobytes())


def lerobots_actions(policy, before, after, seen):
    """What LeRobot's own loop gives, step by step."""
    policy.reset()
    actions = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for state, pixels in seen:
            image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
            batch = {STATE: torch.from_numpy(state)[None], IMAGE: image}
            actions.append(after(policy.select_action(before(batch))).numpy()[0])
    return actions


def test_what_is_sent_is_what_lerobots_own_loop_gives(saved, make):
    folder, policy, before, after = saved
    seen = [(random_state(), random_pixels()) for _ in range(10)]
    bench = make(folder)
    for k, (state, pixels) in enumerate(seen):
        bench.tick(state, picture(pixels, *(("rgb8", 0), ("bgr8", 5))[k % 2]))
    np.testing.assert_allclose(bench.sent, lerobots_actions(policy, before, after, seen), atol=1e-5)
    assert np.ptp(bench.sent, axis=0).min() > 1e-3  # it is no constant
    assert bench.node.status()[:2] == (OK, "running")


def test_the_first_observation_is_looked_back_at_too(tmp_path, make):
    saved = save_policy("diffusion", tmp_path / "short", steps=1)
    seen = [(random_state(), random_pixels()) for _ in range(3)]
    bench = make(tmp_path / "short")
    for state, pixels in seen:
        bench.tick(state, picture(pixels))
    np.testing.assert_allclose(bench.sent, lerobots_actions(*saved, seen), atol=1e-5)


def test_a_camera_that_falls_silent_stops_the_robot_until_it_is_back(saved, make):
    bench = make(saved[0])
    for _ in range(3):
        bench.tick(random_state(), picture(random_pixels()))
    assert not bench.stopped
    for _ in range(4):
        bench.tick(random_state(), None)
    assert bench.stopped
    assert bench.node.status()[:2] == (ERROR, "stopped: camera is 0.40 s old")
    bench.tick(random_state(), picture(random_pixels()))
    assert not bench.stopped


def test_pictures_that_do_not_fit_stop_the_robot_but_do_not_end_the_run(saved, make):
    bench = make(saved[0])
    bench.tick(random_state(), picture(random_pixels()))
    for wrong in (picture(random_pixels(side=SIDE // 2)), picture(random_pixels(), "yuv422_yuy2")):
        for _ in range(4):
            bench.tick(random_state(), wrong)
        assert bench.stopped
        bench.tick(random_state(), picture(random_pixels()))
        assert not bench.stopped
    values = bench.node.status()[2]
    assert values["state"] == "running"
    assert values["rejected_messages"] == {"size": 4, "encoding": 4}


def test_a_picture_of_any_size_is_resized_where_the_mapping_says_so(saved, make):
    features = MAPPING["features"] | {IMAGE: [MAPPING["features"][IMAGE][0] | {"resize": [SIDE, SIDE]}]}
    bench = make(saved[0], MAPPING | {"features": features})
    bench.tick(random_state(), picture(random_pixels(side=2 * SIDE), "bgr8"))
    assert not bench.stopped


def test_a_size_that_the_policy_does_not_take_is_refused_at_the_start(saved, make):
    features = MAPPING["features"] | {IMAGE: [MAPPING["features"][IMAGE][0] | {"resize": [8, 8]}]}
    with pytest.raises(RuntimeError, match=r"image has shape \(3, 8, 8\), the policy takes \(3, 32, 32\)"):
        make(saved[0], MAPPING | {"features": features})


@pytest.mark.system
@pytest.mark.parametrize("kind", KINDS)
def test_live_a_policy_leads_the_simulated_arm_by_its_camera(tmp_path, kind):
    save_policy(kind, tmp_path / kind, state=6, action=3, side=96)
    mapping = yaml.safe_load(share_file("launch/params/arm_push.yaml").read_text())
    del mapping["features"]["observation.environment_state"]
    mapping["features"][IMAGE] = [{"topic": "image", "type": "sensor_msgs/Image"}]
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    parameters = {"/**/manipulation_sim": {"ros__parameters": {"image_period": PERIOD}}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters))
    words = [f"policy:={tmp_path / kind}", f"mapping:={tmp_path / 'mapping.yaml'}"]
    words += [
        f"params_file:={tmp_path / 'params.yaml'}",
        "task:=push",
        "use_sim_time:=false",
    ]  # as on a robot
    with LiveSystem(plan_system("manipulate", words)) as arm:

        def said(name: str) -> tuple[str, dict[str, str]]:
            return arm.status.statuses.get(name, ("", {}))

        def commands() -> int:
            return int(said("manipulation_sim: arm")[1].get("commands", 0))

        arm.wait_for(lambda: commands() >= 30, 90.0, "30 commands")
        text, values = said("policy: policy")
        print(kind, text, values)
        assert values["state"] == "running"
        assert values["rejected_messages"] == "{}"
        assert int(values["chunks"]) >= 5
        assert float(values["period_p50_ms"]) == pytest.approx(100, abs=10)

        arm.freeze("manipulation_sim", True)
        arm.wait_for(lambda: "image is" in said("policy: policy")[0], 10.0, "the policy to miss the camera")
        assert said("policy: policy")[0].startswith("stopped: ")
        arm.freeze("manipulation_sim", False)
        before = commands()
        arm.wait_for(lambda: commands() >= before + 10, 20.0, "more commands")
        arm.wait_for(lambda: said("policy: policy")[0] == "running", 5.0, "the policy to run again")
