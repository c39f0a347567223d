/** Drawing on a canvas in the colours of the page's style. */

export class Brush {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;

  /** Clear a canvas, which gets the size that it has on the screen. */
  constructor(canvas: HTMLCanvasElement, readonly colours: Colours) {
    const ratio = devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    const width = Math.round(this.width * ratio), height = Math.round(this.height * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.context = canvas.getContext("2d")!;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, this.width, this.height);
  }

  rectangle(colour: string, x: number, y: number, width: number, height: number, radius = 0, alpha = 1): void {
    const { context } = this;
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    const wide = Math.max(width, 2);
    if (radius && wide > 3) {
      context.beginPath();
      context.roundRect(x, y, wide, height, Math.min(radius, wide / 2, height / 2));
      context.fill();
    } else context.fillRect(x, y, wide, height);
    context.globalAlpha = 1;
  }

  hatched(colour: string, x: number, y: number, width: number, height: number): void {
    const { context } = this;
    context.fillStyle = this.colours.hatch(context, colour);
    context.fillRect(x, y, width, height);
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1);
  }

  line(colour: string, x0: number, y0: number, x1: number, y1: number, width = 1, dash: number[] = []): void {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
    context.setLineDash([]);
  }

  dot(colour: string, x: number, y: number, radius: number, style: "full" | "ring" | "dashed" = "full"): void {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    if (style === "full") {
      context.fillStyle = colour;
      context.fill();
      return;
    }
    context.strokeStyle = colour;
    context.lineWidth = 2.5;
    context.setLineDash(style === "dashed" ? [2.6, 2.2] : []);
    context.stroke();
    context.setLineDash([]);
  }

  /** A failure: a cross with a rim, so that it is seen on any bar. */
  cross(x: number, y: number, hasRim = true): void {
    const arms = (colour: string, width: number) => {
      this.line(colour, x - 3, y - 3, x + 3, y + 3, width);
      this.line(colour, x + 3, y - 3, x - 3, y + 3, width);
    };
    if (hasRim) arms(this.colours.get("--surface"), 4);
    arms(this.colours.get("--fail"), 1.8);
  }

  /** Write a text, which ends before `most` pixels. */
  text(text: string, x: number, y: number, colour: string, font: string, most = Infinity): number {
    const { context } = this;
    context.font = font;
    context.fillStyle = colour;
    context.textBaseline = "middle";
    let shown = text, width = context.measureText(text).width;
    if (width > most) {
      const fits = Math.max(0, Math.floor((text.length * most) / width) - 1);
      shown = fits > 1 ? `${text.slice(0, fits)}…` : "";
      width = shown ? context.measureText(shown).width : 0;
    }
    if (shown) context.fillText(shown, x, y);
    return width;
  }

  clipped(x: number, y: number, width: number, height: number, draw: () => void): void {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    draw();
    context.restore();
  }
}

/** The colours and fonts of the style, as they are when it is made. */
export class Colours {
  private readonly style = getComputedStyle(document.documentElement);
  private readonly known = new Map<string, string>();
  private readonly hatches = new Map<string, CanvasPattern | string>();

  get(name: string): string {
    let value = this.known.get(name);
    if (value === undefined) this.known.set(name, (value = this.style.getPropertyValue(name).trim()));
    return value;
  }
  /** The colour of a class such as "c-u1". */
  hue(name: string): string {
    return this.get(name.replace("c-", "--"));
  }
  sans(size: number, weight = 400): string {
    return `${weight} ${size}px ${this.get("--sans")}`;
  }
  mono(size: number): string {
    return `${size}px ${this.get("--mono")}`;
  }

  hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
    const known = this.hatches.get(colour);
    if (known) return known;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const brush = tile.getContext("2d")!;
    brush.strokeStyle = colour;
    brush.lineWidth = 2.4;
    brush.beginPath();
    for (const [x0, y0, x1, y1] of [[-2, 10, 10, -2], [-2, 2, 2, -2], [6, 10, 10, 6]] as const) {
      brush.moveTo(x0, y0);
      brush.lineTo(x1, y1);
    }
    brush.stroke();
    const pattern = context.createPattern(tile, "repeat") ?? colour;
    this.hatches.set(colour, pattern);
    return pattern;
  }
}
