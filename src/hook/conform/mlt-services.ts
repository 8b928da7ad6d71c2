/** Properties of a filter, transition or producer that are counted in pixels of the sequence. */
export interface PixelProperties {
  /** `x y w h`, keyframed or not. */
  readonly rectangles?: readonly string[];
  /** Lengths across and down. */
  readonly across?: readonly string[];
  readonly down?: readonly string[];
}

const TEXT: PixelProperties = { rectangles: ['geometry'], down: ['size', 'outline', 'pad'] };

/** Services that place or draw in pixels of the sequence, by `mlt_service` (MLT 7, its documentation of plugins). */
const IN_PIXELS: Readonly<Record<string, PixelProperties>> = {
  affine: {
    rectangles: ['rect', 'geometry', 'transition.rect', 'transition.geometry'],
    across: ['ox', 'transition.ox'],
    down: ['oy', 'transition.oy'],
  },
  qtblend: { rectangles: ['rect'] },
  composite: { rectangles: ['geometry'] },
  region: { rectangles: ['composite.geometry'] },
  watermark: { rectangles: ['composite.geometry'] },
  'movit.rect': { rectangles: ['rect'] },
  'movit.overlay': { rectangles: ['rect'] },
  dynamictext: TEXT,
  text: TEXT,
  timer: TEXT,
  qtext: TEXT,
  gpstext: TEXT,
  subtitle: TEXT,
  box_blur: { across: ['hradius'], down: ['vradius'] },
  boxblur: { across: ['hori'], down: ['vert'] },
  'avfilter.gblur': { across: ['av.sigma'], down: ['av.sigmaV'] },
  'movit.blur': { down: ['radius'] },
  spot_remover: { rectangles: ['rect'] },
  qtcrop: { rectangles: ['rect'] },
};

/** Services whose settings do not depend on the size of the picture. */
const SIZE_FREE =
  /^(luma|mix|matte|volume|gain|panner|fade|brightness|channelcopy|channelswap|mono|swresample|resample|audio\w*|loudness|loudness_meter|gate|ladspa\..*|sox.*|avfilter\.(a[a-z]+|volume|equalizer|bass|treble|loudnorm|acompressor|highpass|lowpass|eq|hue|colorbalance|colorchannelmixer|curves|vibrance|lut3d)|greyscale|grayscale|sepia|invert|gamma|lift_gamma_gain|mirror|luma|tcolor|charcoal|threshold|deinterlace|avdeinterlace|resize|rescale|swscale|imageconvert|avcolou?r_space|fieldorder|color_transform|autofade|fft|dance|frei0r\.(cairoblend|colgate|saturat0r|contrast0r|brightness|gamma|sopsat|hueshift0r|levels|curves|three_point_balance|white_balance|coloradj_RGB|balanc0r|bw0r|luminance|invert0r|tint0r|colorize|alpha0ps|alphagrad|alphaspot|select0r|bluescreen0r|flippo|facedetect)|movit\.(mix|luma_mix|opacity|saturation|white_balance|lift_gamma_gain|mirror|vignette|convert|resample|resize|crop)|timewarp|link)$/;

/** What is known of a service; null for one whose settings may be in pixels or not. */
export function findPixelProperties(service: string): PixelProperties | null {
  return IN_PIXELS[service] ?? (SIZE_FREE.test(service) ? {} : null);
}

/** Producers that play a media file, and links and filters that move its time. */
export const MEDIA_SERVICES: readonly string[] = ['avformat', 'avformat-novalidate', 'timewarp', 'xml-clip'];
export const TIME_SERVICES: readonly string[] = ['timeremap', 'freeze', 'framebuffer', 'telecide', 'tremap'];
