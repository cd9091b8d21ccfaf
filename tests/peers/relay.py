#!/usr/bin/env python3
"""Stands between a client and a server on this machine, and prints its port: `relay.py tls CERT KEY PORT` takes TLS from
the client, `relay.py proxy PORT` a CONNECT for any host, whose name it prints."""

import socket, ssl, sys, threading

kind, *files, to = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if kind == "tls" else None
if context:
    context.load_cert_chain(*files)


def pump(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client):
    try:
        if context:
            client = context.wrap_socket(client, server_side=True)
        else:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096) or exit()
            print(head.split()[1].decode(), flush=True)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        server = socket.create_connection(("127.0.0.1", int(to)))
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        pump(server, client)
    except OSError:
        pass  # Who refuses the certificate goes away.
    client.close()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
