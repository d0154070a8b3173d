/**
 * gRPC server reflection, by which tools such as `grpcurl` learn what a service takes without its
 * `.proto` files.
 * @module
 */
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Health } from "../../protocol/gen/grpc/health/v1/health_pb.ts";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflection as V1,
} from "../../protocol/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as V1Alpha } from "../../protocol/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";

type Question = ServerReflectionRequest["messageRequest"];
type Answer = ServerReflectionResponse["messageResponse"];

/**
 * Most questions of one call. Tools ask a few dozen; without an end, one call could ask for as long
 * as its body may take, and would count as one.
 */
const MAX_QUESTIONS = 256;

/** Registers `grpc.reflection.v1.ServerReflection` and the `v1alpha` of older tools on a router. */
export function reflectionRoutes(): (router: ConnectRouter) => void {
  const services: readonly DescService[] = [Cluster, Health, V1, V1Alpha];
  const files = new Map<string, DescFile>();
  for (const { file } of services) collect(file, files);
  const filesBySymbol = new Map<string, DescFile>();
  for (const file of files.values()) {
    for (const symbol of symbolsOf(file)) filesBySymbol.set(symbol, file);
  }

  const descriptions = new Map<DescFile, Answer>();

  /** Encodes each file once: anybody may ask, as often as the limits allow. */
  function fileAnswer(file: DescFile | undefined): Answer {
    if (file === undefined) return errorAnswer(Code.NotFound, "no such file or symbol");
    let description = descriptions.get(file);
    if (description === undefined) {
      description = describeFile(file);
      descriptions.set(file, description);
    }
    return description;
  }

  function answer(question: Question): Answer {
    switch (question.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: {
            $typeName: "grpc.reflection.v1.ListServiceResponse",
            service: services.map(({ typeName }) => ({
              $typeName: "grpc.reflection.v1.ServiceResponse",
              name: typeName,
            })),
          },
        };
      case "fileByFilename":
        return fileAnswer(files.get(question.value));
      case "fileContainingSymbol":
        return fileAnswer(filesBySymbol.get(question.value));
      case "allExtensionNumbersOfType":
        if (!filesBySymbol.has(question.value)) return errorAnswer(Code.NotFound, "no such type");
        return {
          case: "allExtensionNumbersResponse",
          value: {
            $typeName: "grpc.reflection.v1.ExtensionNumberResponse",
            baseTypeName: question.value,
            extensionNumber: [],
          },
        };
      case "fileContainingExtension":
        return errorAnswer(Code.NotFound, "no such extension");
      default:
        return errorAnswer(Code.InvalidArgument, "no question");
    }
  }

  return (router) => {
    router.service(V1, {
      async *serverReflectionInfo(requests) {
        for await (const request of atMost(MAX_QUESTIONS, requests)) {
          yield {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer(request.messageRequest),
          };
        }
      },
    });
    router.service(V1Alpha, {
      async *serverReflectionInfo(requests) {
        for await (const request of atMost(MAX_QUESTIONS, requests)) {
          // The two versions differ in nothing but their package, which messages do not have on the
          // wire.
          yield {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer(request.messageRequest as Question) as never,
          };
        }
      },
    });
  };
}

async function* atMost<T>(
  count: number,
  requests: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  let left = count;
  for await (const request of requests) {
    if (left === 0) {
      throw new ConnectError(`more than ${count} questions in one call`, Code.ResourceExhausted);
    }
    left -= 1;
    yield request;
  }
}

/** A file and all that it imports. */
function collect(file: DescFile, into: Map<string, DescFile>): void {
  const name = file.proto.name;
  if (into.has(name)) return;
  into.set(name, file);
  for (const imported of file.dependencies) collect(imported, into);
}

function* symbolsOf(file: DescFile): Generator<string, void, undefined> {
  for (const service of file.services) {
    yield service.typeName;
    for (const { name } of service.methods) yield `${service.typeName}.${name}`;
  }
  const messages = [...file.messages];
  for (let message = messages.pop(); message !== undefined; message = messages.pop()) {
    yield message.typeName;
    for (const { typeName } of message.nestedEnums) yield typeName;
    messages.push(...message.nestedMessages);
  }
  for (const { typeName } of file.enums) yield typeName;
}

function describeFile(file: DescFile): Answer {
  const needed = new Map<string, DescFile>();
  collect(file, needed);
  return {
    case: "fileDescriptorResponse",
    value: {
      $typeName: "grpc.reflection.v1.FileDescriptorResponse",
      fileDescriptorProto: Array.from(needed.values(), ({ proto }) =>
        toBinary(FileDescriptorProtoSchema, proto),
      ),
    },
  };
}

function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  const $typeName = "grpc.reflection.v1.ErrorResponse";
  return { case: "errorResponse", value: { $typeName, errorCode, errorMessage } };
}
