/**
 * What the machines of a cluster share, by keys: paths with slashes below the store's root. A folder that all of them see and a bucket of
 * objects are two forms of it, and {@link Store} needs no more of either. Whatever key comes, nothing outside of the store is touched.
 */
export interface StoreFiles {
  /** For people; holds no secret. */
  readonly text: string;
  /** Whether files of this machine are sent into it to be worked on; into a folder people put them themselves. */
  readonly takesFiles: boolean;
  /** The key of what a person or a plan of this machine names. Throws `STORE_UNUSABLE` for what lies outside. */
  locate(name: string): Promise<string>;
  /** What people call the file `key`. */
  describe(key: string): string;
  /** Where on this machine the file `key` is written before {@link StoreFiles.publish}; in a folder at its own path. */
  place(key: string): Promise<string>;
  /** What ffmpeg reads the file `key` by: its path, or an address on loopback that serves ranges of it. Throws `SOURCE_NOT_FOUND`. */
  open(key: string): Promise<string>;
  exists(key: string): Promise<boolean>;
  /** The keys of all files below the folder `key`, relative to it; of the whole store for the empty key. */
  list(key: string): Promise<string[]>;
  /** The text of a small file; null when there is none. */
  readText(key: string): Promise<string | null>;
  /** Appears whole or not at all, like everything that is put into a store. */
  writeText(key: string, text: string): Promise<void>;
  /** Puts a copy of a file of this machine under `key`. */
  send(file: string, key: string): Promise<void>;
  /** Puts a file, or folder of files, that was made in a scratch folder of its job under `key`, where there is none; it is gone from there. */
  keep(made: string, key: string): Promise<void>;
  /** A path at which what was kept under `key` can be read, below the scratch folder `folder` where it has to be brought here first. Throws `SOURCE_NOT_FOUND` or `ENOENT`. */
  fetch(key: string, folder: string): Promise<string>;
  /** Gives all the output that was made at the place of `key`, a file, folder or pattern of pictures, to the others. */
  publish(key: string, options: { readonly overwrite: boolean }): Promise<void>;
  /** Removes what {@link StoreFiles.publish} gave away from this machine, where that is another place. */
  release(key: string): Promise<void>;
  /** Removes all below `folder`. */
  remove(folder: string): Promise<void>;
  /** A new folder for work on what lies in the folder `key`, whose files {@link StoreFiles.keep} takes. */
  makeScratch(key: string, prefix: string): Promise<string>;
  /** A text of a tool or an error in which the names of this machine alone are those that people use. */
  rename(text: string): string;
  close(): Promise<void>;
}

/** `key` itself; null for one that is none, or could leave the root that it is joined to. */
export function checkKey(key: string): string | null {
  const parts = key.split('/');
  const isOutside = parts.some((part) => part === '' || part === '.' || part === '..' || /[\\\0]/.test(part));
  return isOutside ? null : key;
}
