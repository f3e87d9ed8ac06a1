#include "commands.h"

int main(int argc, char** argv) {
  visavis::cli::CommandLine line;
  visavis::cli::AddDetect(line);
  visavis::cli::AddAlign(line);
  visavis::cli::AddEmbed(line);
  visavis::cli::AddCompare(line);
  visavis::cli::AddEvaluate(line);
  visavis::cli::AddCalibrate(line);
  visavis::cli::AddEvaluateDetection(line);
  visavis::cli::AddDatasetPackBin(line);
  visavis::cli::AddZooList(line);
  visavis::cli::AddZooInfo(line);
  visavis::cli::AddZooPull(line);
  visavis::cli::AddZooVerify(line);
  visavis::cli::AddZooRemove(line);
  visavis::cli::AddZooPath(line);
  visavis::cli::AddZooImport(line);
  visavis::cli::AddModelInfo(line);
  visavis::cli::AddModelDoctor(line);
  visavis::cli::AddModelPack(line);
  visavis::cli::AddModelConvert(line);
  visavis::cli::AddModelExtract(line);
  visavis::cli::AddModelBuild(line);
  visavis::cli::AddModelPlan(line);
  visavis::cli::AddModelRun(line);
  visavis::cli::AddQuantize(line);
  visavis::cli::AddBench(line);
  visavis::cli::AddReference(line);
  visavis::cli::AddVersion(line);
  return line.Main(argc, argv);
}
