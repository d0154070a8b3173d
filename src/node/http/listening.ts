/**
 * Taking a port, and saying why it cannot be had.
 * @module
 */
import type { AddressInfo, Server as TcpServer } from "node:net";
import { DiscoveryError } from "../../errors.ts";
import { hostPort } from "../../net/host-port.ts";

/**
 * Takes a port.
 *
 * @param host - All addresses where it is absent.
 * @throws {DiscoveryError} `ERR_LISTEN_FAILED`
 */
export function listenOn(
  tcp: TcpServer,
  host: string | undefined,
  port: number,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const where = host === undefined ? `port ${port}` : hostPort(host, port);
      reject(
        new DiscoveryError("ERR_LISTEN_FAILED", `cannot listen on ${where}: ${reasonOf(cause)}`, {
          cause,
        }),
      );
    };
    tcp.once("error", onError);
    tcp.listen({ port, ...(host !== undefined && { host }) }, () => {
      tcp.off("error", onError);
      // Failures to accept, such as too many open files, pass.
      tcp.on("error", () => {});
      resolve(tcp.address() as AddressInfo);
    });
  });
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "EADDRINUSE":
      return "the port is in use";
    case "EACCES":
      return "not permitted";
    case "EADDRNOTAVAIL":
      return "this machine has no such address";
    case "ENOTFOUND":
      return "the name is not known";
    default:
      return message;
  }
}

/** Where clients on this machine reach a listener: "all addresses" is none. */
export function reachableHost({ address, family }: AddressInfo): string {
  if (address === "::" || address === "0.0.0.0") return "127.0.0.1";
  return family === "IPv6" ? `[${address}]` : address;
}
