"""The driver for Nav2, against a stand-in for the action server: nav2_msgs does not come from PyPI."""

import pytest

pytest.importorskip("rclpy")

from pilotfish.ros_nodes.nav2_driver import Nav2Driver


@pytest.fixture
def driver(nav2):
    return Nav2Driver(nav2.node)


def places(nav2) -> list[tuple[float, float]]:
    return [(goal.pose.pose.position.x, goal.pose.pose.position.y) for goal in nav2.goals]


def test_a_waypoint_is_sent_once_and_a_new_one_at_once(driver, nav2):
    for x in (1.0, 1.1, 2.0):
        driver.drive_to((x, 0.0), 0.0)
    assert places(nav2) == [(1.0, 0.0), (2.0, 0.0)]


def test_a_stop_before_the_answer_cancels_the_goal_when_it_comes(driver, nav2):
    driver.drive_to((1.0, 0.0), 0.0)
    driver.stop()
    nav2.accept(nav2.goals[0])
    assert nav2.goals[0].cancelled


def test_of_two_goals_the_later_one_counts_whatever_is_answered_first(driver, nav2):
    driver.drive_to((1.0, 0.0), 0.0)
    driver.drive_to((2.0, 0.0), 0.0)
    nav2.accept(nav2.goals[1])
    nav2.accept(nav2.goals[0])
    assert [goal.cancelled for goal in nav2.goals] == [True, False]
    driver.stop()
    assert nav2.goals[1].cancelled


def test_a_stop_after_a_refusal_cancels_the_goal_before_it(driver, nav2):
    driver.drive_to((1.0, 0.0), 0.0)
    nav2.accept(nav2.goals[0])
    driver.drive_to((2.0, 0.0), 0.0)
    nav2.refuse(nav2.goals[1])
    driver.stop()
    assert nav2.goals[0].cancelled


@pytest.mark.parametrize("end", ["finish", "refuse"])
def test_after_its_end_or_a_refusal_the_same_place_may_be_asked_for_again(driver, nav2, end):
    driver.drive_to((1.0, 0.0), 0.0)
    if end == "finish":
        nav2.accept(nav2.goals[0])
        nav2.finish(nav2.goals[0])
    else:
        nav2.refuse(nav2.goals[0])
    driver.drive_to((1.0, 0.0), 0.0)
    assert len(nav2.goals) == 2
    assert driver.rejected == (end == "refuse")


def test_without_a_server_nothing_is_sent_and_it_is_tried_again(driver, nav2):
    nav2.ready = False
    driver.drive_to((1.0, 0.0), 0.0)
    nav2.ready = True
    driver.drive_to((1.0, 0.0), 0.0)
    assert len(nav2.goals) == 1
