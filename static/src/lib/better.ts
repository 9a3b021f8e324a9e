// What is better of a metric: a low value, a high one, or what nobody knows. Pure.

/** Which values of a metric are good; "none" where neither is known. */
export type Better = "min" | "max" | "none";

/** Words in names, between which anything but a letter may stand. */
const LOW = /(?:^|[^a-z])(?:loss|[nrw]{0,2}mse|mae|mape|[a-z]*crps|error|err|nll|perplexity)(?![a-z])/i;
const HIGH = /(?:^|[^a-z])(?:accuracy|acc|[a-z]*score|auc|auroc|f1|r2|precision|recall|correlation|corr|skill|psnr|ssim|iou)(?![a-z])/i;

/** What is better of a metric, as its name says. */
export function betterByName(metric: string): Better {
  if (LOW.test(metric)) return "min";
  return HIGH.test(metric) ? "max" : "none";
}
