// One function per subcommand, each in cmd_NAME.cc: declares the options and what runs them.
// To add one: write its file, list it in CMakeLists.txt, declare it here, call it in main.cc.
#pragma once

#include "command_line.h"

namespace visavis::cli {

void AddDetect(CommandLine& line);
void AddAlign(CommandLine& line);
void AddEmbed(CommandLine& line);
void AddCompare(CommandLine& line);
void AddEvaluate(CommandLine& line);
void AddCalibrate(CommandLine& line);
void AddEvaluateDetection(CommandLine& line);
void AddDatasetPackBin(CommandLine& line);
void AddZooList(CommandLine& line);
void AddZooInfo(CommandLine& line);
void AddZooPull(CommandLine& line);
void AddZooVerify(CommandLine& line);
void AddZooRemove(CommandLine& line);
void AddZooPath(CommandLine& line);
void AddZooImport(CommandLine& line);
void AddModelInfo(CommandLine& line);
void AddModelDoctor(CommandLine& line);
void AddModelPack(CommandLine& line);
void AddModelConvert(CommandLine& line);
void AddModelExtract(CommandLine& line);
void AddModelBuild(CommandLine& line);
void AddModelPlan(CommandLine& line);
void AddModelRun(CommandLine& line);
void AddQuantize(CommandLine& line);
void AddBench(CommandLine& line);
void AddReference(CommandLine& line);
void AddVersion(CommandLine& line);

}  // namespace visavis::cli
