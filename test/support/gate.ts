import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A door on loopback before a server's port. Shut, it breaks every connection and refuses new ones. */
export class Gate {
  private readonly sockets = new Set<Socket>();
  private isOpen = true;

  private constructor(private readonly server: Server) {}

  static async before(port: number): Promise<Gate> {
    const server = createServer();
    const gate = new Gate(server);
    server.on('connection', (outside) => gate.pass(outside, port));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  shut(): void {
    this.isOpen = false;
    for (const socket of this.sockets) socket.destroy();
  }

  open(): void {
    this.isOpen = true;
  }

  /** As where the other end has vanished: connections stay, and nothing comes through any more. */
  muffle(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(outside: Socket, port: number): void {
    if (!this.isOpen) {
      outside.destroy();
      return;
    }
    const inside = connect(port, '127.0.0.1');
    for (const [one, other] of [[outside, inside], [inside, outside]] as const) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
