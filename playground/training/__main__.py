"""python -m playground.training: every step from fetched pictures to the shipped weights.

data → autoencoder → flow → distill → judge → evaluate → export → lessons
"""

import argparse
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Run one step of the recipe."""
    parser = argparse.ArgumentParser(prog="python -m playground.training", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("training-data"), help="pictures and checkpoints")
    parser.add_argument("--things", type=int, default=None, help="keep the first so many things of the world")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("data", help="fetch the packages and draw every thing in four styles")
    for name, text in (("autoencoder", "train the autoencoder"), ("judge", "train the judge of the evaluation")):
        steps.add_parser(name, help=text).add_argument("--minutes", type=float, required=True)
    steps.choices["autoencoder"].add_argument("--keep-latents", action="store_true", help="train the decoder alone")
    flow = steps.add_parser("flow", help="train the flow, or go on training it")
    flow.add_argument("--minutes", type=float, required=True)
    flow.add_argument("--large", type=float, default=0.3, help="share of the steps at 256 tokens")
    flow.add_argument("--settle", type=float, default=0.4, help="when the learning rate begins to fall, 0…1; 1: never")
    flow.add_argument("--peak", type=float, default=1.0, help="factor on the learning rates")
    distill = steps.add_parser("distill", help="teach one pass to answer as two passes with guidance")
    distill.add_argument("--minutes", type=float, required=True)
    distill.add_argument("--large", type=float, default=0.3, help="share of the steps at 256 tokens")
    evaluate = steps.add_parser("evaluate", help="have pictures of held-out prompts judged")
    evaluate.add_argument("--tokens", type=int, choices=(64, 256), default=64)
    evaluate.add_argument("--count", type=int, default=200)
    evaluate.add_argument("--teacher", action="store_true", help="judge the flow before distillation")
    export = steps.add_parser("export", help="write the ONNX graphs and their checksums")
    export.add_argument("--out", type=Path, required=True, help="folder of the weights")
    steps.add_parser("lessons", help="draw and measure the lessons' pictures with the exported weights")
    safety = steps.add_parser("safety", help="convert the safety checker's weights from the npm package nsfwjs")
    safety.add_argument("--package", type=Path, required=True, help="the unpacked npm package nsfwjs")
    safety.add_argument("--out", type=Path, required=True, help="folder of the weights")
    run(parser.parse_args(arguments))


def run(options: argparse.Namespace) -> None:
    """Hand the options to the step's function; what each needs is imported only then."""
    folder: Path = options.folder
    shared = {"things": options.things, "device": options.device}
    if options.step == "data":
        from playground.training import pictures

        folder.mkdir(parents=True, exist_ok=True)
        pictures.save(pictures.draw_pictures(pictures.fetch_packages(folder)), folder)
    elif options.step == "autoencoder":
        from playground.training import fit_autoencoder

        fit_autoencoder.fit(folder, minutes=options.minutes, keep_latents=options.keep_latents, **shared)
    elif options.step == "judge":
        from playground.training import classifier

        classifier.fit_judge(folder, minutes=options.minutes, **shared)
    elif options.step == "flow":
        from playground.training import fit_flow

        fit_flow.fit(folder, minutes=options.minutes, large=options.large, settle=options.settle, peak=options.peak, **shared)
    elif options.step == "distill":
        from playground.training.distill import distill

        distill(folder, minutes=options.minutes, large=options.large, **shared)
    elif options.step == "evaluate":
        from playground.training.evaluate import evaluate

        print(
            evaluate(folder, things=options.things, distilled=not options.teacher, tokens=options.tokens, count=options.count)
        )
    elif options.step == "export":
        from playground.training.export import export

        export(folder, options.out, things=options.things)
    elif options.step == "lessons":
        from playground.training import lesson_pictures

        lesson_pictures.write()
    elif options.step == "safety":
        from playground.training.safety import convert

        convert(options.package, options.out)


if __name__ == "__main__":
    main()
