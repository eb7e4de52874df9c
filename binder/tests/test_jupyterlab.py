"""JupyterLab's server as `binder/setup` leaves it."""

import json
import sys
import unittest
from unittest import mock

import patient_connection
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from .support import ScriptTest


class Server(ScriptTest):
    def test_it_uses_the_patient_connection(self):
        command = (sys.executable, "-m", "jupyter", "server", "--show-config-json")
        shown = self.run_script(*command, status=0, JUPYTER_CONFIG_DIR=self.folder)
        config = json.loads(shown[shown.index("{\n") : shown.rindex("}") + 1])
        used = config["ServerApp"]["kernel_websocket_connection_class"]
        name = f"{patient_connection.__name__}.{patient_connection.PatientConnection.__name__}"
        self.assertEqual(used, name)


class Nudge(unittest.TestCase):
    def test_only_the_shell_channel_is_asked(self):
        class Manager:
            def connect_shell(self):
                return "shell"

            def connect_control(self):
                return "control"

        def nudge(connection):
            manager = connection.kernel_manager
            return manager.connect_shell(), manager.connect_control()

        connection = mock.Mock(kernel_manager=Manager())
        with mock.patch.object(ZMQChannelsWebsocketConnection, "nudge", nudge):
            # `super()` wants an instance of the class.
            connection.__class__ = patient_connection.PatientConnection
            asked = patient_connection.PatientConnection.nudge(connection)
        self.assertEqual(asked, ("shell", "shell"))
        self.assertEqual(connection.kernel_manager.connect_control(), "control")
