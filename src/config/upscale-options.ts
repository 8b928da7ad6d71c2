/** What a user can ask for. Every field has its default in the option table (`option-table.ts`); library callers give any subset. */
export interface UpscaleOptions {
  /** Output path, a picture pattern (`shot.%04d.png`), or `-` for stdout. @defaultValue `<input>.upreel.<ext>` beside the input */
  readonly output: string | undefined;
  /** Enlargement of the display picture, > 1. Excludes `to`. @defaultValue 2 */
  readonly scale: number | undefined;
  /** `720p`, `1080p`, `1440p`, `4k`, `8k` or `WxH`: fit the display picture into this. */
  readonly to: string | undefined;
  /** Registered model, baseline (`bicubic`, `lanczos`, `nearest`) or path of an ONNX file. @defaultValue the registry's default */
  readonly model: string | undefined;
  /** How chroma grows beside a luma model: `auto` takes a network guided by luma where one fits the source. */
  readonly chroma: 'auto' | 'filter';
  readonly device: 'auto' | 'cpu' | 'cuda' | 'tensorrt' | 'directml' | 'coreml' | 'webgpu';
  /** What networks compute in: `auto` takes float16 or int8 where the machine gains by it and the picture is the same or nearly so. */
  readonly precision: 'auto' | 'fp32' | 'int8';
  readonly deinterlace: 'auto' | 'off' | 'frame' | 'field';
  readonly temporal: 'auto' | 'off' | 'low' | 'medium' | 'high';
  /** Frames to each side that are blended: 1 or 2. @defaultValue 1 */
  readonly temporalRadius: number;
  /** Make the output agree with its source: sampled as the source was, it gives the source's frames again. */
  readonly faithful: boolean;
  /** Encoder profile: `auto`, `auto-hw`, `h264`, `h265`, `av1`, `vp9`, `prores`, ..., or a hardware encoder's name. */
  readonly encoder: string;
  /** Constant rate factor in the encoder's own scale; the profile's default when undefined. */
  readonly crf: number | undefined;
  readonly encoderPreset: string | undefined;
  /** Further arguments for the encoder, as one would write them for ffmpeg. */
  readonly encoderArgs: readonly string[];
  /** Named set of options (`archive`, `web`, ...). */
  readonly preset: string | undefined;
  /** What the output says of how it was made: `auto` in its tags (beside it where they cannot), `sidecar` in a document beside it too, `none`. */
  readonly provenance: 'auto' | 'sidecar' | 'none';
  /** `copy`, `none`, or an audio codec to transcode all tracks to. */
  readonly audio: string;
  /** What to do when the output exists: `ask` is an error for the library. */
  readonly overwrite: boolean;
  /** Bytes that the whole run may use; default: 70 % of what is free, or of the container's limit. */
  readonly memory: number | undefined;
  /** Number of lanes; default: from cores, device and memory. */
  readonly workers: number | undefined;
  /** Largest tile, `auto` or a number of samples (square). */
  readonly tile: number | 'auto';
  /** Target length of a segment in seconds of source time. */
  readonly segmentSeconds: number | undefined;
  /** Only these frames of the source: `100:200` begins with frame 100, counted from 0, and ends before frame 200. @defaultValue all */
  readonly frames: string | undefined;
  /** Refuse damaged sources instead of upscaling what can be decoded. */
  readonly strict: boolean;
  /** Rate of image sequences and of raw streams that carry none, `25` or `30000/1001`. */
  readonly inputFrameRate: string | undefined;
  /** Paths of ffmpeg and ffprobe. */
  readonly ffmpeg: string | undefined;
  readonly ffprobe: string | undefined;
}
