# The page of `visavis evaluate --report`: web/report bundled into one HTML file at build time.
# Sets VISAVIS_REPORT_PAGE_FILE to that file, or to nothing where Node.js, npm or the packages are not to be had.
set(VISAVIS_REPORT_PAGE AUTO CACHE STRING
  "Build the page of `visavis evaluate --report`, which needs Node.js >= 18 and npm: AUTO, ON (fail without) or OFF")
set(VISAVIS_REPORT_PAGE_FILE "")
set(web_source ${CMAKE_SOURCE_DIR}/web)
set(web_build ${CMAKE_BINARY_DIR}/web)

# Installs the packages that web/package-lock.json pins into the build folder; `why` is empty if that worked.
function(visavis_install_web_packages why)
  find_program(VISAVIS_NODE NAMES node nodejs)
  find_program(VISAVIS_NPM npm)
  if(NOT VISAVIS_NODE OR NOT VISAVIS_NPM)
    set(${why} "Node.js and npm are not installed" PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND ${VISAVIS_NODE} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REGEX REPLACE "^v" "" version "${version}")
  if(version VERSION_LESS 18)
    set(${why} "Node.js is ${version}, want 18 or later" PARENT_SCOPE)
    return()
  endif()
  configure_file(${web_source}/package.json ${web_build}/package.json COPYONLY)
  configure_file(${web_source}/package-lock.json ${web_build}/package-lock.json COPYONLY)
  file(SHA256 ${web_source}/package-lock.json wanted)
  set(stamp ${web_build}/installed)
  set(installed "")
  if(EXISTS ${stamp})
    file(READ ${stamp} installed)
  endif()
  if(NOT installed STREQUAL wanted)
    message(STATUS "Installing the report page's packages with npm")
    # The browser test's driver is installed along.
    execute_process(COMMAND ${VISAVIS_NPM} ci --ignore-scripts --no-audit --no-fund --fetch-retries=1
      WORKING_DIRECTORY ${web_build} TIMEOUT 300 RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE output)
    if(failed)
      string(REGEX MATCH "[^\n]*error[^\n]*" line "${output}")
      set(${why} "npm could not install them (${line})" PARENT_SCOPE)
      return()
    endif()
    file(WRITE ${stamp} ${wanted})
  endif()
  set(${why} "" PARENT_SCOPE)
endfunction()

if(NOT VISAVIS_REPORT_PAGE STREQUAL "OFF")
  visavis_install_web_packages(why)
  if(why STREQUAL "")
    file(GLOB web_files CONFIGURE_DEPENDS ${web_source}/report/*)
    set(VISAVIS_REPORT_PAGE_FILE ${web_build}/report.html)
    add_custom_command(OUTPUT ${VISAVIS_REPORT_PAGE_FILE}
      COMMAND ${CMAKE_COMMAND} -E copy_directory ${web_source}/report ${web_build}/report
      COMMAND ${VISAVIS_NODE} ${web_build}/report/build.mjs ${VISAVIS_REPORT_PAGE_FILE}
      DEPENDS ${web_files} ${web_source}/package-lock.json
      COMMENT "Bundling the report page" VERBATIM)
  elseif(VISAVIS_REPORT_PAGE STREQUAL "ON")
    message(FATAL_ERROR "VISAVIS_REPORT_PAGE=ON: ${why}")
  else()
    message(WARNING "`visavis evaluate --report` is not built in: ${why}. "
      "Install Node.js 18 or later with npm (Debian: nodejs npm) and configure again; everything else works.")
  endif()
endif()
