/**
 * The cluster's cipher and its secrets.
 * @module
 */
export {
  type ClusterCipher,
  type CreateClusterCipherOptions,
  createClusterCipher,
} from "./cluster-cipher.ts";
export {
  CLUSTER_SECRET_BYTES,
  generateClusterId,
  generateClusterSecret,
  parseClusterSecret,
} from "./secrets.ts";
