/**
 * A transport that lets somebody look on as its `Watch` is read: what a client has taken in, and the end of the stream.
 * @module
 */
import type {
  DescMessage,
  DescMethodStreaming,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { ContextValues, StreamResponse } from "@connectrpc/connect";
import type { WatchResponse } from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type { ClosableTransport } from "./connection.ts";

/** Told of one stream. Must not throw. */
export interface WatchObserver {
  /** The reader has done with a message, and asks for the next. */
  readonly onRead: (message: WatchResponse) => void;
  /** The stream has ended. */
  readonly onEnd: () => void;
}

/** `transport`, observed: `observe` is called at the start of each stream. `Watch` is the service's only one. */
export function watchedTransport(
  transport: ClosableTransport,
  observe: () => WatchObserver,
): ClosableTransport {
  return {
    unary: transport.unary.bind(transport),
    async stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInit | undefined,
      input: AsyncIterable<MessageInitShape<I>>,
      contextValues?: ContextValues,
    ): Promise<StreamResponse<I, O>> {
      const response = await transport.stream(
        method,
        signal,
        timeoutMs,
        header,
        input,
        contextValues,
      );
      return { ...response, message: observed(response.message, observe()) };
    },
    close: () => transport.close?.(),
  };
}

async function* observed<O extends DescMessage>(
  messages: AsyncIterable<MessageShape<O>>,
  { onRead, onEnd }: WatchObserver,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  try {
    for await (const message of messages) {
      yield message;
      // Only now: the reader comes back for more when it has taken this one in.
      onRead(message as unknown as WatchResponse);
    }
  } finally {
    onEnd();
  }
}
