/**
 * A setting of `serve`: a flag with its variable and configuration key, how its text is read, and
 * which option takes the value.
 * @module
 */
import type {
  ConnectionLimits,
  ListenAddress,
  ServeOptions,
  SnapshotRegistryOptions,
} from "../../node/index.ts";
import type { RegistryLimits } from "../../registry/limits.ts";
import type { RegistrySharesOptions } from "../../registry/state-accounts.ts";
import type { Ceilings } from "../../server/limits/watch-ceiling.ts";
import {
  type FlagOption,
  type Flags,
  flag,
  listFlag,
  numberFlag,
  sizeFlag,
  switchFlag,
} from "../flags/flags.ts";
import type { LogOptions } from "./log.ts";

/** One setting, whose checked value is a `Value`. */
export interface Setting<Value> {
  /** The flag without its dashes; also the key in a configuration file. */
  readonly name: string;
  /** Makes the flag. An option belongs to one command, so each command gets its own. */
  readonly createOption: () => FlagOption;
  /** @throws {UsageError} If the value is invalid, naming where it stands. */
  readonly read: (flags: Flags) => Value;
}

/** Values that become options only by a rule of `serve-settings.ts`. Named as their flags. */
export interface RuleValues {
  readonly addr: ListenAddress;
  /** Absent: off. */
  readonly landingAddr: ListenAddress | undefined;
  /** Absent: off. */
  readonly metricsAddr: ListenAddress | undefined;
  readonly shutdownTimeoutMs: number;
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
  readonly clientCaPath: string | undefined;
  readonly snapshotsEnabled: boolean;
  /** Path of the file. */
  readonly clusterAllowList: string | undefined;
  /** Calls per second. */
  readonly rateLimit: number;
  readonly rateBurst: number;
  /** Requests per second. */
  readonly probeRateLimit: number;
  readonly probeRateBurst: number;
  readonly clientBytesPerSecond: number;
  readonly clientBytesBurst: number;
  /** Absent: `rateLimit` decides. */
  readonly clientUploadBytesPerSecond: number | undefined;
  /** In bytes. Absent: what the machine has decides. */
  readonly maxMemory: number | undefined;
  readonly maxUnsentBytesPerConnection: number;
  readonly maxUnsentBytesPerClient: number;
  /** Absent: an eighth of the memory. */
  readonly maxUnsentBytes: number | undefined;
  readonly firstByteTimeoutMs: number;
  readonly debug: boolean;
}

/** The values of all settings, in the options that take them, and those that rules read. */
export interface SettingValues {
  readonly serve: ServeOptions;
  readonly connections: ConnectionLimits;
  readonly ceilings: Ceilings;
  readonly limits: Partial<RegistryLimits>;
  readonly shares: RegistrySharesOptions;
  readonly snapshot: SnapshotRegistryOptions;
  readonly log: LogOptions;
  readonly rules: RuleValues;
}

/** `place.option` to a setting with a value that the option takes. Needed if the option is. */
type Rows<Place extends keyof SettingValues> = {
  readonly [Option in keyof SettingValues[Place] as `${Place}.${Option & string}`]: Setting<
    SettingValues[Place][Option]
  >;
};

/** All settings by the option that takes the value, in the order of the help. */
export type SettingTable = Rows<"serve"> &
  Rows<"connections"> &
  Rows<"ceilings"> &
  Rows<"limits"> &
  Rows<"shares"> &
  Rows<"snapshot"> &
  Rows<"log"> &
  Rows<"rules">;

/**
 * Makes the settings under one heading of the help. Flags are written as commander reads them:
 * `--addr <host:port>`. A `parse` throws a `RangeError` or a `DiscoveryError` for invalid text.
 */
export interface SettingGroup {
  /** A text; an empty one is an error. */
  text<Value>(
    flags: string,
    help: string,
    defaultText: string,
    parse: (text: string) => Value,
  ): Setting<Value>;
  /** A text that may be absent. An empty one counts as absent, also if there is a default. */
  optionalText<Value>(
    flags: string,
    help: string,
    parse: (text: string) => Value,
    defaultText?: string,
  ): Setting<Value | undefined>;
  /** A whole number, in a configuration file a number too. */
  number(
    flags: string,
    help: string,
    defaultValue: number,
    parse: (text: string) => number,
  ): Setting<number>;
  /** A size in bytes, as a number or as text with a unit. */
  size(
    flags: string,
    help: string,
    defaultText: string,
    parse: (text: string) => number,
  ): Setting<number>;
  /** A size that may be absent. */
  optionalSize(
    flags: string,
    help: string,
    parse: (text: string) => number,
  ): Setting<number | undefined>;
  /** On or off. */
  switch(flags: string, help: string, isOn: boolean): Setting<boolean>;
  /** Several texts, each read by `parse`. */
  list<Value>(
    flags: string,
    help: string,
    parse: (text: string) => Value,
  ): Setting<readonly Value[]>;
}

/**
 * Makes a group.
 *
 * @param heading - As the help shows it: `Limits:`.
 */
export function settingGroup(heading: string): SettingGroup {
  function setting<Value>(
    create: () => FlagOption,
    read: (flags: Flags, name: string) => Value,
  ): Setting<Value> {
    const name = create().name();
    return {
      name,
      createOption: () => create().helpGroup(heading),
      read: (flags) => read(flags, name),
    };
  }
  return {
    text: (spec, help, defaultText, parse) =>
      setting(
        () => flag(spec, help, defaultText),
        (flags, name) => flags.requiredParsed(name, parse),
      ),
    optionalText: (spec, help, parse, defaultText) =>
      setting(
        () => flag(spec, help, defaultText),
        (flags, name) => flags.parsed(name, parse),
      ),
    number: (spec, help, defaultValue, parse) =>
      setting(
        () => numberFlag(spec, help, defaultValue),
        (flags, name) => flags.requiredParsed(name, parse),
      ),
    size: (spec, help, defaultText, parse) =>
      setting(
        () => sizeFlag(spec, help, defaultText),
        (flags, name) => flags.requiredParsed(name, parse),
      ),
    optionalSize: (spec, help, parse) =>
      setting(
        () => sizeFlag(spec, help),
        (flags, name) => flags.parsed(name, parse),
      ),
    switch: (spec, help, isOn) =>
      setting(
        () => switchFlag(spec, help, isOn),
        (flags, name) => flags.isOn(name),
      ),
    list: (spec, help, parse) =>
      setting(
        () => listFlag(spec, help),
        (flags, name) => flags.parsedList(name, parse),
      ),
  };
}
