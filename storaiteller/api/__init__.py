"""What other programs and the page talk to: REST, the WebSocket, and the gate before both."""
