"""Between JupyterLab and a kernel that is slow to start, without which that kernel may end.

Until a starting kernel answers, the server asks it twice a second, on its shell and on its control
channel, and hangs up at the first answer. evcxr_jupyter 0.22 then still answers what is left, and
ends if it cannot do so on the control channel (`handle_control` in its `core.rs`); on the shell
channel it only logs that. With a start of five seconds one kernel in ten or so was lost like this,
on a small pod it would be more. So here the server asks on the shell channel only.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PatientConnection(ZMQChannelsWebsocketConnection):
    """The server's own connection, but for the channels of its nudge."""

    def nudge(self):
        """Asks until the kernel answers; a future that ends then."""
        manager = self.kernel_manager
        manager.connect_control = manager.connect_shell  # for this one call
        try:
            return super().nudge()
        finally:
            del manager.connect_control
